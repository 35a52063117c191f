import type { Context } from 'koa'
import { knownBrowserSeconds, rememberBrowser } from '../domain/lock-out/known-browsers.ts'
import type { DomainServices } from '../domain/ports/services.ts'
import type { User } from '../domain/users/user.ts'
import type { Tenant } from '../domain/user-pools/tenant.ts'
import { cookieName, setCookie } from '../security/cookies.ts'
import { sha256 } from '../security/digest.ts'

/*
 * A browser's long-lived handle, which people who have signed in with it are remembered by. It says nothing of who that
 * was, and is no proof of anything: whoever has it may guess apart from strangers, and no more.
 */

interface Request {
  ctx: Context
  tenant: Tenant
}

function handleOf({ ctx, tenant }: Request): string | undefined {
  const name = cookieName('known', tenant.snapshot.userPool.id, tenant.secure)
  const handle = ctx.cookies.get(name, { signed: false })
  return handle !== undefined && /^[\w-]{43}$/.test(handle) ? handle : undefined
}

/** What the domain knows this browser by; whose it is, if anybody's, is looked up there. */
export function knownBrowserHash(request: Request): string | undefined {
  const handle = handleOf(request)
  return handle === undefined ? undefined : sha256(handle)
}

/** Somebody has just signed in with it, with all that this takes. */
export async function keepKnownBrowser(domain: DomainServices, request: Request, user: User): Promise<void> {
  const { ctx, tenant } = request
  const { userPool } = tenant.snapshot
  const handle = handleOf(request) ?? domain.random.handle()
  await rememberBrowser(domain, { userPool, user, handle })
  const { secure } = tenant
  setCookie(ctx, cookieName('known', userPool.id, secure), handle, { secure, maxAgeSeconds: knownBrowserSeconds })
}
