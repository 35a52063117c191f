import { addSeconds } from '../../platform/clock.ts'
import type { AppClient } from '../app-clients/app-client.ts'
import type { SessionLimits, UserPool } from '../user-pools/user-pool.ts'
import type { UserPoolSnapshot } from '../user-pools/user-pool-directory.ts'
import type { BrowserSession } from './browser-session.ts'

/*
 * How long a browser's sign-in lasts (decision 0009). The pool has limits, with others for whoever asked to be kept signed
 * in; a client may have its own, which count for that client alone. Pure.
 */

type SessionTimes = Pick<BrowserSession, 'authTime' | 'lastUsedAt' | 'remembered'>

/** What counts for an app client: its own limits, and the pool's for what it leaves open. */
function limitsFor(userPool: UserPool, appClient: Pick<AppClient, 'ssoSession'>, remembered: boolean): SessionLimits {
  return { ...((remembered ? userPool.rememberMe : undefined) ?? userPool.ssoSession), ...appClient.ssoSession }
}

/** A limit of the client's own leaves nothing to choose. */
export const offersToStaySignedIn = (userPool: UserPool, appClient: AppClient): boolean =>
  userPool.rememberMe !== undefined && appClient.ssoSession.maxSeconds === undefined

/** Whether this client has to ask the person again. */
export const isOverFor = (userPool: UserPool, appClient: AppClient, session: SessionTimes, at: Date): boolean =>
  endOf(limitsFor(userPool, appClient, session.remembered), session) <= at

/**
 * For how long after a sign-in the account page is open, in seconds, however short the limits are: a pool whose apps always ask
 * (`MaxValidityMinutes: 0`) would open it to nobody.
 */
export const accountSessionSeconds = 15 * 60

/** Whether the account page has to ask the person again. */
export const isOverForAccount = (userPool: UserPool, appClient: AppClient, session: SessionTimes, at: Date): boolean =>
  isOverFor(userPool, appClient, session, at) && endOf({ maxSeconds: accountSessionSeconds }, session) <= at

/** When the session is over for every client of the pool and for the account page, so that nothing needs it any more. */
export function endForAll({ userPool, appClients }: UserPoolSnapshot, session: SessionTimes): Date {
  const limits = [...appClients.values()].map((appClient) => limitsFor(userPool, appClient, session.remembered))
  const pools = limitsFor(userPool, { ssoSession: {} }, session.remembered)
  const ends = [pools, ...limits, { maxSeconds: accountSessionSeconds }].map((each) => endOf(each, session).getTime())
  return new Date(Math.max(...ends))
}

function endOf(limits: SessionLimits, { authTime, lastUsedAt }: SessionTimes): Date {
  const begun = authTime ?? new Date(0)
  const end = addSeconds(begun, limits.maxSeconds)
  if (limits.idleSeconds === undefined) return end
  const used = lastUsedAt === undefined || lastUsedAt < begun ? begun : lastUsedAt
  const idleEnd = addSeconds(used, limits.idleSeconds)
  return idleEnd < end ? idleEnd : end
}

/**
 * Whether a use has to be written down: only where an idle limit asks for it, and then not more often than needed to keep
 * the limit to within a tenth of it, or a minute.
 */
export function useIsWorthNoting({ userPool, appClients }: UserPoolSnapshot, session: SessionTimes, at: Date): boolean {
  const own = [...appClients.values()].map((appClient) => appClient.ssoSession.idleSeconds)
  const idle = [...own, userPool.ssoSession.idleSeconds, userPool.rememberMe?.idleSeconds].flatMap(
    (limit) => limit ?? [],
  )
  if (idle.length === 0) return false
  const noted = Math.max(session.lastUsedAt?.getTime() ?? 0, session.authTime?.getTime() ?? 0)
  return at.getTime() - noted >= Math.min(60_000, Math.min(...idle) * 100)
}
