import type { IncomingMessage } from 'node:http'
import Provider from 'oidc-provider'
import type { KoaContextWithOIDC } from 'oidc-provider'
import { isAnswerUri } from '../domain/app-clients/redirect-uri.ts'
import type { DomainServices } from '../domain/ports/services.ts'
import type { Tenant } from '../domain/user-pools/tenant.ts'
import type { UserPoolSnapshot } from '../domain/user-pools/user-pool-directory.ts'
import { callerOf } from '../platform/http/caller.ts'
import type { SessionUse, StayingSignedIn } from './session-use.ts'
import { tooManyRequests } from './token-errors.ts'

/* The one file that touches the engine where its documentation does not reach. */

const tenants = new WeakMap<IncomingMessage, Tenant>()

/** Remembers whose request this is, before the engine sees it. */
export const bindTenant = (request: IncomingMessage, tenant: Tenant): void => {
  tenants.set(request, tenant)
}

export function tenantOf(request: IncomingMessage): Tenant {
  const tenant = tenants.get(request)
  if (tenant === undefined) throw new Error('the engine was called without a tenant')
  return tenant
}

const hiddenQueries = new WeakMap<IncomingMessage, string>()

/**
 * A request that resumes another has its parameters in storage. Where its address has some, an error of the engine's takes
 * them for the request's, and fails over them; they are only for our own error page.
 */
export function hideQuery(ctx: { req: IncomingMessage; querystring: string }): void {
  hiddenQueries.set(ctx.req, ctx.querystring)
  ctx.querystring = ''
}

/** Puts back what `hideQuery` has hidden. */
export function showQuery(ctx: { req: IncomingMessage; querystring: string }): void {
  ctx.querystring = hiddenQueries.get(ctx.req) ?? ctx.querystring
}

interface KoaRequest {
  req: IncomingMessage
}

/**
 * The engine builds its URLs and chooses its cookies by the request's host and scheme. Both are pinned to what is
 * configured: a Host or X-Forwarded header changes nothing (threat rows E1, F8).
 */
export function pinRequestOrigin(provider: Provider): void {
  Object.defineProperties(provider.request, {
    host: {
      get(this: KoaRequest) {
        return new URL(tenantOf(this.req).origin).host
      },
    },
    hostname: {
      get(this: KoaRequest) {
        return new URL(tenantOf(this.req).origin).hostname
      },
    },
    protocol: {
      get(this: KoaRequest) {
        return tenantOf(this.req).secure ? 'https' : 'http'
      },
    },
    secure: {
      get(this: KoaRequest) {
        return tenantOf(this.req).secure
      },
    },
  })
}

/**
 * The engine takes any loopback port for some clients and refuses custom schemes for others. Ours is the exact string
 * among the registered ones, for every client (RFC 9700 §2.1; threat row C1).
 */
export function matchRedirectUrisExactly(provider: Provider, snapshot: UserPoolSnapshot): void {
  const prototype = provider.Client.prototype as {
    redirectUriAllowed(this: { clientId: string }, uri: string): boolean
  }
  prototype.redirectUriAllowed = function redirectUriAllowed(uri) {
    return isAnswerUri(snapshot.appClients.get(this.clientId)?.callbackUrls ?? [], uri)
  }
}

/**
 * The engine knows one secret a client, and any number of guesses at it; ours may have two while one is exchanged for the
 * other.
 */
export function compareAllSecrets(
  provider: Provider,
  { clientSecretGuard }: Pick<DomainServices, 'clientSecretGuard'>,
  { appClients, userPool }: UserPoolSnapshot,
): void {
  const prototype = provider.Client.prototype as {
    compareClientSecret(this: { clientId: string }, given: string): Promise<boolean>
  }
  prototype.compareClientSecret = async function compareClientSecret(given) {
    const { ctx } = Provider
    const appClient = appClients.get(this.clientId)
    if (appClient === undefined || ctx === undefined) return false
    const checked = await clientSecretGuard.check(userPool, appClient, given, callerOf(ctx.req))
    if (checked.kind === 'refused') throw tooManyRequests(ctx, checked.retryAfterSeconds)
    return checked.kind === 'right'
  }
}

interface SessionModel extends SessionUse {
  accountId?: string
  transient?: boolean
  loginAccount: (this: SessionModel, details: { accountId: string }) => void
}

/**
 * The engine stores of a session what it knows itself. Two members of ours are kept with it, and a sign-in decides anew
 * whether the session outlives the browser: left alone, one that ended with it once would do so for ever.
 */
export function keepSessionUse(provider: Provider): void {
  const Session = provider.Session as unknown as { IN_PAYLOAD: readonly string[]; prototype: SessionModel }
  const members = [...Session.IN_PAYLOAD, 'remembered', 'lastUsedAt']
  Object.defineProperty(Session, 'IN_PAYLOAD', { get: () => members })
  const { loginAccount } = Session.prototype
  Session.prototype.loginAccount = function loginAccountAndStay(this: SessionModel, details) {
    const login = Provider.ctx?.oidc.entities.Interaction?.result?.login as StayingSignedIn | undefined
    const before = this.accountId === details.accountId ? this : undefined
    const remembered = login?.staySignedIn ?? before?.remembered === true
    const transient = login?.offersToStaySignedIn === true ? !remembered : before?.transient === true
    loginAccount.call(this, details)
    Object.assign(this, { remembered, transient })
  }
}

/**
 * The engine tells the life of its cookies as a date, which a browser whose clock is wrong takes for the past.
 * @param life seconds, by a cookie's name; undefined: until the browser is closed
 */
export function tellCookieLifeInSeconds(
  provider: Provider,
  life: (name: string, ctx: KoaContextWithOIDC) => number | undefined,
): void {
  provider.use(async (ctx, next) => {
    await next()
    const lines = [ctx.response.headers['set-cookie'] ?? []].flat()
    if (lines.length === 0) return
    ctx.set(
      'Set-Cookie',
      lines.map((line) => {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
        if (/; *max-age=/i.test(line)) return line
        if (value === '') return `${line}; max-age=0`
        const seconds = life(name, ctx as KoaContextWithOIDC)
        return `${line.replace(/; expires=[^;]*/i, '')}${seconds === undefined ? '' : `; max-age=${seconds}`}`
      }),
    )
  })
}

/** No HTML of the engine's reaches a browser: its redirects repeat the address, and the code in it, in a page of their own. */
export function redirectWithoutPage(provider: Provider): void {
  provider.use(async (ctx, next) => {
    await next()
    const { status } = ctx
    if (status < 300 || status > 399) return
    ctx.body = null
    ctx.status = status
  })
}
