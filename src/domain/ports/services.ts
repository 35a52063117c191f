import type { Clock } from '../../platform/clock.ts'
import type { Caller } from '../../platform/http/caller.ts'
import type { Random } from '../../platform/random.ts'
import type { PasswordHasher } from '../../security/password-hash.ts'
import type { SealedBox } from '../../security/sealed-box.ts'
import type { RepeatFilter } from '../audit/repeat-filter.ts'
import type { BreachedPasswords } from './breached-passwords.ts'
import type { IdentityProviderConnector } from './identity-provider-connector.ts'
import type { ClientSecretGuard } from './client-secret-guard.ts'
import type { RateLimiter } from './rate-limiter.ts'
import type { TriggerRunner } from './trigger-runner.ts'
import type { Store } from './store.ts'

/** What domain functions work with; the composition makes it once. */
export interface DomainServices {
  store: Store
  passwordHasher: PasswordHasher
  /** Not to be asked inside a transaction. */
  breachedPasswords: BreachedPasswords
  sealedBox: SealedBox
  clock: Clock
  random: Random
  clientSecretGuard: ClientSecretGuard
  /** Not to be asked inside a transaction. */
  rateLimiter: RateLimiter
  /** In whose service they work; empty for the server itself and its command line. */
  caller: Caller
  /** Keeps the audit trail from being filled with what anybody can repeat at will. */
  repeats: RepeatFilter
  /** Not to be asked inside a transaction. */
  triggers: TriggerRunner
  /** Not to be asked inside a transaction. */
  connector: IdentityProviderConnector
  /** Tells the outbox worker of this process that a transaction with a message has committed. */
  messagesQueued(): void
}
