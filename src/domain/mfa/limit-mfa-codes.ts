import type { AppClient } from '../app-clients/app-client.ts'
import type { DomainServices } from '../ports/services.ts'
import { limitMessages } from '../rate-limits/consume-limits.ts'
import type { LimitExceeded } from '../rate-limits/rate-limits.ts'
import type { ChallengeName } from '../sign-in/sign-in-attempt.ts'
import type { UserPool } from '../user-pools/user-pool.ts'
import type { User } from '../users/user.ts'
import { isMessaged, isMfaType } from './mfa-type.ts'

/** Stands in the place of a browser: what is asked for by whoever knows the password counts for itself. */
const secondFactor = 'mfa'

/**
 * Counts the code that a challenge is about to send, before any transaction (threat row E11). Only somebody who knows the
 * password gets here, so strangers use up nothing of what the owner may ask for; nothing is counted where nothing is sent.
 */
export async function limitMfaCodes(
  services: DomainServices,
  request: { userPool: UserPool; appClient: Pick<AppClient, 'id'> },
  { sub: userSub }: Pick<User, 'sub'>,
  challenge: ChallengeName | undefined,
): Promise<LimitExceeded | undefined> {
  if (challenge === undefined || !isMfaType(challenge) || !isMessaged(challenge)) return undefined
  return limitMessages(services, request.userPool, {
    recipients: [],
    clientId: request.appClient.id,
    eventType: 'SignIn',
    ownBrowser: { userSub, browserHash: secondFactor },
  })
}
