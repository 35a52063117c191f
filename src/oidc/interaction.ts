import type { Context } from 'koa'
import { cookieName, setCookie } from '../security/cookies.ts'
import { sha256 } from '../security/digest.ts'
import type { DomainServices } from '../domain/ports/services.ts'
import type { BrowserSession } from '../domain/sessions/browser-session.ts'
import { expiredFlowSeconds } from '../domain/sessions/flow.ts'
import type { Flow } from '../domain/sessions/flow.ts'
import type { Tenant } from '../domain/user-pools/tenant.ts'
import { endpointPaths } from './paths.ts'
import { interactionSeconds } from './provider-configuration.ts'

/*
 * Where the pages and the engine meet: whose flow, and whose session, a request's cookies speak of. A flow begins in
 * start-flow.ts and ends in finish-flow.ts.
 */

/** The browser's own random handle; made and set when it has none. Every flow and every form is bound to it. */
export function browserHandle(
  services: Pick<DomainServices, 'random'>,
  tenant: Tenant,
  ctx: Pick<Context, 'cookies' | 'append'>,
): string {
  return knownBrowserHandle(tenant, ctx) ?? keepBrowserHandle(tenant, ctx, services.random.handle())
}

export function knownBrowserHandle(tenant: Tenant, ctx: Pick<Context, 'cookies'>): string | undefined {
  const known = ctx.cookies.get(cookieName('browser', tenant.snapshot.userPool.id, tenant.secure), { signed: false })
  return known !== undefined && /^[\w-]{43}$/.test(known) ? known : undefined
}

/** For as long as a flow that begins now may take. */
export function keepBrowserHandle(tenant: Tenant, ctx: Pick<Context, 'append'>, handle: string): string {
  const name = cookieName('browser', tenant.snapshot.userPool.id, tenant.secure)
  // As long as an expired flow is kept: only its own browser is offered to begin it anew.
  const maxAgeSeconds = interactionSeconds + expiredFlowSeconds
  setCookie(ctx, name, handle, { secure: tenant.secure, maxAgeSeconds })
  return handle
}

/** What a flow's id in an address or a form leads to. Only its own browser is told what is in it (threat rows B4, B17). */
export type FoundFlow =
  | { kind: 'open'; flow: Flow }
  | { kind: 'expired'; flow: Flow }
  | { kind: 'finished'; flow: Flow }
  | { kind: 'unknown' }
  /** Another browser's, or this one's from before it lost its cookie. */
  | { kind: 'otherBrowser' }
  /** The browser has sent no cookie at all. */
  | { kind: 'noCookie' }

export async function findFlow(
  services: DomainServices,
  tenant: Tenant,
  ctx: Pick<Context, 'cookies'>,
  flowId: string,
): Promise<FoundFlow> {
  const now = services.clock.now()
  const flow = await services.store.flows.find(tenant.snapshot.userPool.id, sha256(flowId), now)
  if (flow === undefined) return { kind: 'unknown' }
  const expired = flow.expiresAt <= now
  const handle = ctx.cookies.get(cookieName('browser', tenant.snapshot.userPool.id, tenant.secure), { signed: false })
  // For a flow that is over it does not matter whose it was, and a cookie may have gone with time.
  if (handle === undefined || sha256(handle) !== flow.browserHash) {
    if (expired) return { kind: 'unknown' }
    return { kind: handle === undefined ? 'noCookie' : 'otherBrowser' }
  }
  if (flow.finishedAt !== undefined) return { kind: 'finished', flow }
  return { kind: expired ? 'expired' : 'open', flow }
}

/** What the client is told of a flow that ends without a sign-in (RFC 6749 §4.1.2.1). */
export interface FlowError {
  error: string
  error_description: string
}

/** Where a flow's request may be made anew: it is checked again there, and keeps every condition that it had. */
export const requestUrl = (tenant: Tenant, { state }: Flow): string =>
  `${tenant.basePath}${endpointPaths.authorize}?${new URLSearchParams(state.request).toString()}`

export type FinishSignedInOutcome =
  { kind: 'done'; location: string } | { kind: 'refused'; reason: 'expired' | 'signedOut' }

/** The user of the browser's session, while it lives. */
export async function signedInUser(
  services: DomainServices,
  tenant: Tenant,
  ctx: Pick<Context, 'cookies'>,
): Promise<string | undefined> {
  return (await sessionOf(services, tenant, ctx))?.userSub
}

/** The live session of this browser. */
export async function sessionOf(
  services: DomainServices,
  tenant: Tenant,
  ctx: Pick<Context, 'cookies'>,
): Promise<BrowserSession | undefined> {
  const userPoolId = tenant.snapshot.userPool.id
  const handle = ctx.cookies.get(cookieName('session', userPoolId, tenant.secure), { signed: false })
  if (handle === undefined) return undefined
  return services.store.browserSessions.find(userPoolId, sha256(handle), services.clock.now())
}
