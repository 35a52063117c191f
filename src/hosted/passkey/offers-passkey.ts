import type { FlowState } from '../../domain/sessions/flow.ts'
import { beginsWithPasskey, relyingPartyOf } from '../../domain/passkeys/relying-party.ts'
import type { User } from '../../domain/users/user.ts'
import { cookieName, setCookie } from '../../security/cookies.ts'
import type { Step } from '../step.ts'

/** Whoever has said "not now" is not asked again for so long, in that browser. */
const laterSeconds = 30 * 86_400

/** Whether somebody who has just signed in is asked if they want a passkey: with an authenticator at hand, and without one yet. */
export function offersPasskey({ ctx, tenant, appClient }: Step, user: User, state: FlowState): boolean {
  const { userPool } = tenant.snapshot
  const isAsked = state.passkeyOffer !== undefined || state.authenticated?.bySession === true
  if (isAsked || state.hasAuthenticator !== true || user.hasPasskeys === true) return false
  if (!beginsWithPasskey(userPool, appClient) || relyingPartyOf(tenant) === undefined) return false
  return ctx.cookies.get(cookieName('later', userPool.id, tenant.secure), { signed: false }) === undefined
}

export function askLater({ ctx, tenant }: Step): void {
  const { secure, snapshot } = tenant
  setCookie(ctx, cookieName('later', snapshot.userPool.id, secure), '1', { secure, maxAgeSeconds: laterSeconds })
}
