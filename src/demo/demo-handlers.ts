import type { Context, Next } from 'koa'
import { readForm } from '../platform/http/read-form.ts'
import type { Log } from '../platform/log.ts'
import { constantTimeEqual } from '../security/digest.ts'
import type { DemoCookie } from './demo-cookie.ts'
import type { DemoPages } from './demo-pages.ts'
import { demoPaths } from './demo-paths.ts'
import type { DemoSession, DemoSessions, Notice, SignedIn } from './demo-session.ts'
import { attempt } from './relying-party-failure.ts'
import type { RelyingParty } from './relying-party.ts'

/** The demo's forms carry one CSRF token. */
const maximumFormBytes = 4096

export interface DemoParts {
  /** The apps by the name that `?app=` gives them. */
  readonly apps: ReadonlyMap<string, RelyingParty>
  readonly sessions: DemoSessions
  readonly cookie: DemoCookie
  readonly pages: DemoPages
  readonly log: Log
}

export interface DemoHandlers {
  readonly home: (ctx: Context) => Promise<void>
  readonly signIn: (ctx: Context, next: Next) => Promise<void>
  readonly callback: (ctx: Context) => Promise<void>
  readonly refresh: (ctx: Context) => Promise<void>
  readonly signOut: (ctx: Context) => Promise<void>
}

// OpenID Connect Core §3.1.2.1, and `create` of Initiating User Registration.
const prompts = ['none', 'login', 'consent', 'select_account', 'create']

export function createDemoHandlers(parts: DemoParts): DemoHandlers {
  return {
    home: (ctx) => home(parts, ctx),
    signIn: (ctx, next) => signIn(parts, ctx, next),
    callback: (ctx) => callback(parts, ctx),
    refresh: (ctx) => refresh(parts, ctx),
    signOut: (ctx) => signOut(parts, ctx),
  }
}

async function home(parts: DemoParts, ctx: Context): Promise<void> {
  const { handle, session } = current(parts, ctx)
  if (session === undefined) {
    if (handle !== undefined) parts.cookie.clear(ctx)
    return showPage(parts, ctx, undefined, handle === undefined ? undefined : { kind: 'sessionExpired' })
  }
  const { notice } = session
  session.notice = undefined
  return showPage(parts, ctx, session, notice)
}

async function signIn(parts: DemoParts, ctx: Context, next: Next): Promise<void> {
  const query = new URLSearchParams(ctx.querystring)
  const relyingParty = parts.apps.get(query.get('app') ?? 'one')
  if (relyingParty === undefined) {
    await next()
    return
  }
  const { session } = current(parts, ctx)
  const started = await attempt(relyingParty.start(prompts.find((prompt) => prompt === query.get('prompt'))))
  if (!started.ok) {
    ctx.status = 502
    return showPage(parts, ctx, session, logged(parts, started.failure))
  }
  const { url, pending } = started.value
  startedHere(parts, ctx, session).pending.add(pending, relyingParty)
  redirect(ctx, url.href)
}

async function callback(parts: DemoParts, ctx: Context): Promise<void> {
  const { handle, session } = current(parts, ctx)
  // The answer must belong to a sign-in that this very browser started, or a stranger could sign it in as himself
  // (RFC 6749 §10.12). Neither are a stranger's words shown: `error_description` counts only with a known state.
  const started = session?.pending.take(onlyState(ctx) ?? '')
  if (handle === undefined || session === undefined) {
    ctx.status = 400
    return showPage(parts, ctx, undefined, { kind: 'unknownSignIn' })
  }
  if (started === undefined) return tellAtHome(ctx, session, { kind: 'unknownSignIn' })
  const { relyingParty } = started
  const finished = await attempt(relyingParty.finish(ctx.querystring, started.pending))
  if (!finished.ok) return tellAtHome(ctx, session, logged(parts, finished.failure))
  session.signedIn = { relyingParty, tokens: finished.value }
  session.notice = undefined
  parts.cookie.write(ctx, parts.sessions.renew(handle, session))
  redirect(ctx, demoPaths.home)
}

async function refresh(parts: DemoParts, ctx: Context): Promise<void> {
  const posted = await postedForm(parts, ctx)
  if (posted === undefined) return
  const { session, signedIn } = posted
  session.refreshing ??= renewTokens(parts, session, signedIn).finally(() => {
    session.refreshing = undefined
  })
  return tellAtHome(ctx, session, await session.refreshing)
}

async function renewTokens(parts: DemoParts, session: DemoSession, signedIn: SignedIn): Promise<Notice> {
  const { refreshToken, ...withoutRefreshToken } = signedIn.tokens
  // The page then has no such button: this form is from before.
  if (refreshToken === undefined) return { kind: 'formExpired' }
  const refreshed = await attempt(signedIn.relyingParty.refresh(signedIn.tokens))
  const unchanged = session.signedIn === signedIn
  if (refreshed.ok) {
    if (unchanged) session.signedIn = { ...signedIn, tokens: refreshed.value }
    return { kind: 'refreshed' }
  }
  const { failure } = refreshed
  // RFC 6749 §5.2: this refresh token will never work again.
  const spent = failure.kind === 'refused' && failure.error === 'invalid_grant'
  if (spent && unchanged) session.signedIn = { ...signedIn, tokens: withoutRefreshToken }
  return logged(parts, failure)
}

async function signOut(parts: DemoParts, ctx: Context): Promise<void> {
  const posted = await postedForm(parts, ctx)
  if (posted === undefined) return
  const { handle, signedIn } = posted
  // First here, so that a server that is away cannot keep anyone signed in.
  parts.sessions.end(handle)
  parts.cookie.clear(ctx)
  const ended = await attempt(endSessionUrl(signedIn))
  if (ended.ok) return redirect(ctx, ended.value.href)
  logged(parts, ended.failure)
  return showPage(parts, ctx, undefined, { kind: 'signedOutHere' })
}

function current(parts: DemoParts, ctx: Context): { handle: string | undefined; session: DemoSession | undefined } {
  const handle = parts.cookie.read(ctx)
  return { handle, session: handle === undefined ? undefined : parts.sessions.find(handle) }
}

/** The browser's session, or a new one for it. */
function startedHere(parts: DemoParts, ctx: Context, known: DemoSession | undefined): DemoSession {
  if (known !== undefined) return known
  const { handle, session } = parts.sessions.create()
  parts.cookie.write(ctx, handle)
  return session
}

/** Who posted a form of the tokens page; `undefined` once it has been answered with a refusal. */
async function postedForm(
  parts: DemoParts,
  ctx: Context,
): Promise<{ handle: string; session: DemoSession; signedIn: SignedIn } | undefined> {
  const { handle, session } = current(parts, ctx)
  const signedIn = session?.signedIn
  const body = await readForm(ctx.req, maximumFormBytes)
  const csrf = (body.ok && body.form.get('_csrf')) || ''
  if (handle === undefined || session === undefined || signedIn === undefined) {
    ctx.status = 403
    await showPage(parts, ctx, undefined, { kind: 'sessionExpired' })
    return undefined
  }
  if (!constantTimeEqual(session.csrf, csrf)) {
    ctx.status = 403
    await showPage(parts, ctx, session, { kind: 'formExpired' })
    return undefined
  }
  return { handle, session, signedIn }
}

async function showPage(
  parts: DemoParts,
  ctx: Context,
  session: DemoSession | undefined,
  notice: Notice | undefined,
): Promise<void> {
  const signedIn = session?.signedIn
  if (session === undefined || signedIn === undefined) return parts.pages.home(ctx, notice)
  const [userInfo, ended] = await Promise.all([
    attempt(signedIn.relyingParty.userInfo(signedIn.tokens)),
    attempt(endSessionUrl(signedIn)),
  ])
  parts.pages.tokens(ctx, {
    signedIn,
    csrf: session.csrf,
    notice: notice ?? (userInfo.ok ? undefined : userInfo.failure),
    userInfo: userInfo.ok ? userInfo.value : undefined,
    endSessionUrl: ended.ok ? ended.value : undefined,
  })
}

const endSessionUrl = ({ relyingParty, tokens }: SignedIn): Promise<URL> => relyingParty.endSessionUrl(tokens.idToken)

/** Leaves a notice for the next page and goes there: the answer's code and state leave the address bar. */
function tellAtHome(ctx: Context, session: DemoSession, notice: Notice): void {
  session.notice = notice
  redirect(ctx, demoPaths.home)
}

/** 303: whatever the method was, the browser goes on with a GET (RFC 9110 §15.4.4). */
function redirect(ctx: Context, url: string): void {
  ctx.set('Location', url)
  ctx.body = null
  ctx.status = 303
}

function logged(parts: DemoParts, notice: Notice): Notice {
  parts.log.warn({ demo: notice }, 'the demo relying party did not get what it asked for')
  return notice
}

function onlyState(ctx: Context): string | undefined {
  const states = new URLSearchParams(ctx.querystring).getAll('state')
  return states.length === 1 ? states[0] : undefined
}
