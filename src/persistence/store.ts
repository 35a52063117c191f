import type { Kysely } from 'kysely'
import type { Repositories, Store } from '../domain/ports/store.ts'
import { attributeChangeRepository } from './attribute-change-repository.ts'
import { auditTrailRepository } from './audit-trail-repository.ts'
import { browserSessionRepository } from './browser-session-repository.ts'
import { consentRepository } from './consent-repository.ts'
import type { Database } from './database.ts'
import { customSignInRepository } from './custom-sign-in-repository.ts'
import { decoySignUpRepository } from './decoy-sign-up-repository.ts'
import { deviceRepository } from './device-repository.ts'
import { eventDeliveryRepository } from './event-delivery-repository.ts'
import { flowRepository } from './flow-repository.ts'
import { grantRepository } from './grant-repository.ts'
import { groupRepository } from './group-repository.ts'
import { guessRepository } from './guess-repository.ts'
import { embeddedHousekeeping, housekeepingRepository } from './housekeeping-repository.ts'
import { interactionRepository } from './interaction-repository.ts'
import { knownBrowserRepository } from './known-browser-repository.ts'
import { oneTimeRepository } from './one-time-repository.ts'
import { outboxRepository } from './outbox-repository.ts'
import { identityRepository } from './identity-repository.ts'
import { passkeyRepository } from './passkey-repository.ts'
import type { Schema } from './schema.ts'
import { recoveryCodeRepository } from './recovery-code-repository.ts'
import { settingsRepository } from './settings-repository.ts'
import { signInAttemptRepository } from './sign-in-attempt-repository.ts'
import { softwareTokenRepository } from './software-token-repository.ts'
import { triggerInvocationRepository } from './trigger-invocation-repository.ts'
import { userImportRepository } from './user-import-repository.ts'
import { userRepository } from './user-repository.ts'
import { verificationCodeRepository } from './verification-code-repository.ts'

/** The domain's view of a migrated database. */
export const createStore = ({ kysely, kind }: Pick<Database, 'kysely' | 'kind'>): Store => ({
  ...repositories(kysely),
  housekeeping: kind === 'embedded' ? embeddedHousekeeping(kysely) : housekeepingRepository(kysely),
  transaction: (work) => kysely.transaction().execute((trx) => work(repositories(trx))),
})

const repositories = (db: Kysely<Schema>): Repositories => ({
  settings: settingsRepository(db),
  users: userRepository(db),
  groups: groupRepository(db),
  verificationCodes: verificationCodeRepository(db, 'verification_codes'),
  decoySignUps: decoySignUpRepository(db),
  decoyCodes: verificationCodeRepository(db, 'decoy_codes'),
  attributeChanges: attributeChangeRepository(db),
  signInAttempts: signInAttemptRepository(db),
  customSignIns: customSignInRepository(db),
  softwareTokens: softwareTokenRepository(db),
  recoveryCodes: recoveryCodeRepository(db),
  passkeys: passkeyRepository(db),
  identities: identityRepository(db),
  devices: deviceRepository(db),
  oneTime: oneTimeRepository(db),
  guesses: guessRepository(db),
  knownBrowsers: knownBrowserRepository(db),
  flows: flowRepository(db),
  browserSessions: browserSessionRepository(db),
  interactions: interactionRepository(db),
  grants: grantRepository(db),
  consents: consentRepository(db),
  auditTrail: auditTrailRepository(db),
  triggerInvocations: triggerInvocationRepository(db),
  eventDeliveries: eventDeliveryRepository(db),
  outbox: outboxRepository(db),
  userImports: userImportRepository(db),
  housekeeping: housekeepingRepository(db),
})
