import type { Caller } from '../../platform/http/caller.ts'
import type { AppClient } from '../app-clients/app-client.ts'
import type { AttemptsExceeded } from '../lock-out/lock-out.ts'
import type { UserPool } from '../user-pools/user-pool.ts'

export interface ClientSecretGuard {
  /**
   * Compares the secret that came from a network, unless that network has sent too many wrong ones of late; other networks
   * never notice (threat row B5).
   */
  check(
    userPool: UserPool,
    appClient: AppClient,
    given: string,
    caller: Caller,
  ): Promise<{ kind: 'right' | 'wrong' } | AttemptsExceeded>
}
