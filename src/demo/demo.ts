import { Router } from '@koa/router'
import type { Middleware } from 'koa'
import type { Clock } from '../platform/clock.ts'
import type { Log } from '../platform/log.ts'
import type { Random } from '../platform/random.ts'
import type { MessageCatalogue } from '../platform/views/message-catalogue.ts'
import type { Page } from '../platform/views/page-parts.ts'
import type { ViewEngine } from '../platform/views/view-engine.ts'
import { createDemoCookie } from './demo-cookie.ts'
import { createDemoHandlers } from './demo-handlers.ts'
import { createDemoPages } from './demo-pages.ts'
import { demoPaths } from './demo-paths.ts'
import { createDemoSessions } from './demo-session.ts'
import { createRelyingParty } from './relying-party.ts'

export interface DemoOptions {
  /** The issuer of the user pool to sign in at; asked at each use. */
  readonly issuer: () => string
  /** The public origin where /demo is reached, such as `http://localhost:3000`. */
  readonly origin: string
  /** Reaches the public origin also where its host does not resolve here; the global one if absent. */
  readonly internalFetch?: typeof fetch
  /** A public app client with the callback URL `<origin>/demo/callback` and the logout URL `<origin>/demo`. */
  readonly clientId: string
  /** A second one with the same URLs, for showing single sign-on. */
  readonly secondClientId?: string
  readonly views: Pick<ViewEngine, 'render'>
  readonly catalogue: MessageCatalogue
  readonly assets: Page['assets']
  readonly random: Random
  readonly clock: Clock
  readonly log: Log
}

export interface DemoApp {
  /** The paths from /demo on, prefix included. Its pages bring all their headers, Content-Security-Policy too. */
  readonly router: Router
}

/**
 * The demo: a relying party like any other, which knows of the server what discovery tells it. For development only:
 * its sessions live in this process, and its page shows tokens.
 */
export function createDemo(options: DemoOptions): DemoApp {
  const { random, clock } = options
  const { origin, protocol } = new URL(options.origin)
  const secure = protocol === 'https:'
  const relyingParty = (clientId: string) =>
    createRelyingParty({
      issuer: options.issuer,
      clientId,
      redirectUri: `${origin}${demoPaths.callback}`,
      postLogoutRedirectUri: `${origin}${demoPaths.home}`,
      fetch: options.internalFetch ?? fetch,
      random,
      clock,
    })
  const apps = new Map([['one', relyingParty(options.clientId)]])
  if (options.secondClientId !== undefined) apps.set('two', relyingParty(options.secondClientId))
  const handlers = createDemoHandlers({
    apps,
    sessions: createDemoSessions({ random, clock }),
    cookie: createDemoCookie(secure),
    pages: createDemoPages({ ...options, secure, hasSecondApp: apps.has('two') }),
    log: options.log,
  })

  const router = new Router()
  router.use(noStore)
  router.get(demoPaths.home, handlers.home)
  router.get(demoPaths.signIn, handlers.signIn)
  router.get(demoPaths.callback, handlers.callback)
  router.post(demoPaths.refresh, handlers.refresh)
  router.post(demoPaths.signOut, handlers.signOut)
  return { router }
}

/** Redirects carry codes and hints in their addresses: they are neither kept nor told to the next page. */
const noStore: Middleware = async (ctx, next) => {
  ctx.set({ 'Cache-Control': 'no-store', 'Referrer-Policy': 'no-referrer' })
  await next()
}
