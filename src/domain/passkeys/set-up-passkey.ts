import { onRecord, responseOf } from '../audit/record.ts'
import type { AuditEntry } from '../audit/record.ts'
import { multipleFactors } from '../mfa/mfa-type.ts'
import type { MfaType } from '../mfa/mfa-type.ts'
import { usableMfaTypes } from '../mfa/usable-mfa-types.ts'
import type { DomainServices } from '../ports/services.ts'
import type { Repositories } from '../ports/store.ts'
import type { SignedIn } from '../sign-in/advance.ts'
import { attemptExpired, openAttempt } from '../sign-in/open-attempt.ts'
import type { AttemptRequest, OpenAttempt } from '../sign-in/open-attempt.ts'
import { signInTime } from '../sign-in/sign-in-time.ts'
import { verifyNewPasskey } from './ceremony.ts'
import type { Ceremony, NewPasskey } from './ceremony.ts'
import { nameOfNew, storePasskey } from './own-passkeys.ts'
import { passkeyAmr } from './passkey.ts'

interface SetUpPasskey extends AttemptRequest {
  ceremony: Ceremony
  /** What the browser sent, as JSON. */
  credential: string
  /** For an authenticator that does not tell its own. */
  name: string
}

export type SetUpPasskeyOutcome = SignedIn | { kind: 'refused'; reason: 'notVerified' | 'attemptExpired' }

/**
 * MFA_SETUP with a passkey, where those count as second factors: the new one is the user's factor, and that of this very sign-in.
 */
export async function setUpPasskey(services: DomainServices, request: SetUpPasskey): Promise<SetUpPasskeyOutcome> {
  const { userPool, appClient, ceremony } = request
  const open = await openAttempt(services, request)
  if (open?.attempt.challenge !== 'MFA_SETUP' || !userPool.mfaTypes.includes('WEB_AUTHN')) return attemptExpired
  const made = await verifyNewPasskey(services, userPool, ceremony, request.credential)
  const common = { userPoolId: userPool.id, userSub: open.user.sub, clientId: appClient.id }
  const outcome = await onRecord(
    services,
    async (tx): Promise<SetUpPasskeyOutcome> =>
      made === undefined ? { kind: 'refused', reason: 'notVerified' } : store(services, tx, request, open, made),
    (stored): readonly AuditEntry[] => {
      const setUp: AuditEntry = {
        ...common,
        ...{ eventType: 'MfaSetUp', ...responseOf(stored), detail: { type: 'WEB_AUTHN', rpId: ceremony.rp.id } },
      }
      const signIn: AuditEntry = { ...common, eventType: 'SignIn', detail: { challenge: 'MFA_SETUP' } }
      return stored.kind === 'done' ? [setUp, signIn] : [setUp]
    },
  )
  services.messagesQueued()
  return outcome
}

async function store(
  services: DomainServices,
  tx: Repositories,
  { userPool, ceremony, name }: SetUpPasskey,
  { attempt, user }: OpenAttempt,
  made: NewPasskey,
): Promise<SetUpPasskeyOutcome> {
  const at = services.clock.now()
  const now = await tx.users.lockBySub(userPool.id, user.sub)
  // Whoever was first of two who know the password has set up theirs: the other one is asked for it.
  const isTheirs = (type: MfaType): boolean => type === 'WEB_AUTHN' || now?.mfaTypes?.includes(type) === true
  if (now === undefined || usableMfaTypes(userPool, now).some(isTheirs)) return attemptExpired
  if (!(await tx.signInAttempts.spend(attempt.userPoolId, attempt.idHash, at))) return attemptExpired
  const named = { rpId: ceremony.rp.id, name: nameOfNew(made, name) }
  const added = await storePasskey(services, tx, { userPool, user: now }, made, named)
  if (added.kind !== 'done') return attemptExpired
  const mfaTypes = [...(now.mfaTypes ?? []).filter((type) => type !== 'WEB_AUTHN'), 'WEB_AUTHN' as const]
  await tx.users.update(userPool.id, user.sub, { mfaTypes, preferredMfa: 'WEB_AUTHN' }, at)
  const amr = [...attempt.amr, passkeyAmr(added.passkey), multipleFactors]
  return { kind: 'done', user: { ...now, mfaTypes, hasPasskeys: true }, amr, authTime: signInTime(now, at) }
}
