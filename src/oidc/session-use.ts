import type Provider from 'oidc-provider'
import type { KoaContextWithOIDC } from 'oidc-provider'
import type { Clock } from '../platform/clock.ts'
import type { BrowserSession } from '../domain/sessions/browser-session.ts'
import { isOverFor, useIsWorthNoting } from '../domain/sessions/session-limits.ts'
import type { UserPoolSnapshot } from '../domain/user-pools/user-pool-directory.ts'

/* What we know of a browser session beyond the engine, and carry on its session object: see engine-internals.ts. */

export interface SessionUse {
  remembered?: boolean
  /** Milliseconds since 1970. */
  lastUsedAt?: number
}

export const useOf = ({ remembered, lastUsedAt }: BrowserSession): SessionUse => ({
  ...(remembered ? { remembered } : {}),
  ...(lastUsedAt === undefined ? {} : { lastUsedAt: lastUsedAt.getTime() }),
})

/** What the end of a sign-in on the pages adds to the engine's own `login` result. */
export interface StayingSignedIn {
  /** What the person chose; absent: the page had no such choice. */
  staySignedIn?: boolean
  /** Whether this client offers the choice: then a session without it ends with the browser. */
  offersToStaySignedIn: boolean
}

export type EngineSession = NonNullable<KoaContextWithOIDC['oidc']['session']> & SessionUse

/** The session of a request as the domain has it. */
export function sessionTimes(session: {
  loginTs?: number | undefined
}): Pick<BrowserSession, 'authTime' | 'lastUsedAt' | 'remembered'> {
  const { remembered, lastUsedAt } = session as SessionUse
  return {
    remembered: remembered === true,
    ...(session.loginTs === undefined ? {} : { authTime: new Date(session.loginTs * 1000) }),
    ...(lastUsedAt === undefined ? {} : { lastUsedAt: new Date(lastUsedAt) }),
  }
}

/** A sign-in lasts for a client as long as its limits say, unless this very request has just brought one. */
export function mustSignInAgain(ctx: KoaContextWithOIDC, snapshot: UserPoolSnapshot, clock: Clock): boolean {
  const { session, client } = ctx.oidc
  const appClient = snapshot.appClients.get(client?.clientId ?? '')
  if (session?.accountId === undefined || appClient === undefined || hasJustSignedIn(ctx)) return false
  return isOverFor(snapshot.userPool, appClient, sessionTimes(session), clock.now())
}

/** Also when another page of the same request, such as one that asks for consent, came after the sign-in. */
export function hasJustSignedIn(ctx: KoaContextWithOIDC): boolean {
  const { result, entities } = ctx.oidc
  return result?.login !== undefined || entities.Interaction?.lastSubmission?.login !== undefined
}

/** Only a request that is answered counts as a use: one that ends on the sign-in page must not keep a session awake. */
export function noteUse(provider: Provider, snapshot: UserPoolSnapshot, clock: Clock): void {
  provider.on('authorization.accepted', (ctx) => {
    const session = ctx.oidc.session as EngineSession | undefined
    const now = clock.now()
    if (session !== undefined && useIsWorthNoting(snapshot, sessionTimes(session), now)) {
      session.lastUsedAt = now.getTime()
    }
  })
}
