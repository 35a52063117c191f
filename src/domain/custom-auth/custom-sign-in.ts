import type { AppClient } from '../app-clients/app-client.ts'
import type { SealedBox } from '../../security/sealed-box.ts'
import type { UserPool } from '../user-pools/user-pool.ts'

/* Sign-ins whose questions a pool's own triggers ask (reference: triggers §11). */

/** One question of a sign-in, as the triggers see it. */
export interface ChallengeRecord {
  challengeName: 'SRP_A' | 'PASSWORD_VERIFIER' | 'CUSTOM_CHALLENGE'
  challengeResult: boolean
  challengeMetadata?: string | null
}

/** What a sign-in has come to, and the question that is open. */
export interface CustomState {
  /** As typed, whatever that is: it is sealed, since a column would not take all of it. */
  username: string
  session: readonly ChallengeRecord[]
  publicParameters: Readonly<Record<string, string>>
  /** The expected answer, and what else only the triggers know. */
  privateParameters: Readonly<Record<string, string>>
  metadata: string | null
}

/** A question that waits for its answer. */
export interface CustomSignIn {
  /** SHA-256 of the handle that the front door holds. */
  idHash: string
  userPoolId: string
  clientId: string
  /** Absent: the name is nobody's. */
  userSub?: string
  sealedState: string
  startedAt: Date
  expiresAt: Date
}

const purpose = 'custom sign-in'

export const sealState = (sealedBox: Pick<SealedBox, 'seal'>, state: CustomState): string =>
  sealedBox.seal(JSON.stringify(state), purpose)

export const openState = (sealedBox: Pick<SealedBox, 'open'>, { sealedState }: CustomSignIn): CustomState =>
  JSON.parse(sealedBox.open(sealedState, purpose)) as CustomState

/** Questions of one sign-in, right and wrong ones: triggers that never come to an end are ended. */
export const maximumRounds = 20

/** Whether this app client's users may sign in by custom challenges (ALLOW_CUSTOM_AUTH, and triggers that ask them). */
export const offersCustomAuth = (userPool: UserPool, { explicitAuthFlows }: AppClient): boolean =>
  userPool.triggers.DefineAuthChallenge !== undefined &&
  (explicitAuthFlows.includes('ALLOW_CUSTOM_AUTH') || explicitAuthFlows.includes('CUSTOM_AUTH_FLOW_ONLY'))

const passwordFlows = new Set([
  'ALLOW_USER_PASSWORD_AUTH',
  'ALLOW_USER_SRP_AUTH',
  'ALLOW_USER_AUTH',
  'USER_PASSWORD_AUTH',
])

/** Whether there is no other way: a password as well is only a step of that one. */
export const requiresCustomAuth = (userPool: UserPool, appClient: AppClient): boolean =>
  offersCustomAuth(userPool, appClient) && !appClient.explicitAuthFlows.some((flow) => passwordFlows.has(flow))
