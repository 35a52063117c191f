import type { JWTPayload } from 'jose'
import type { Context } from 'koa'
import type { Clock } from '../platform/clock.ts'
import type { Locale, MessageCatalogue } from '../platform/views/message-catalogue.ts'
import type { DemoToken } from '../platform/views/development-contexts.ts'
import type { Alert, Page } from '../platform/views/page-parts.ts'
import type { ViewEngine } from '../platform/views/view-engine.ts'
import type { Random } from '../platform/random.ts'
import { formTarget, pageHeaders } from '../security/page-headers.ts'
import { decodeToken } from './decode-token.ts'
import { demoPaths } from './demo-paths.ts'
import type { Notice, SignedIn } from './demo-session.ts'
import type { TokenSet } from './relying-party.ts'

export interface DemoPagesOptions {
  readonly views: Pick<ViewEngine, 'render'>
  readonly catalogue: MessageCatalogue
  readonly assets: Page['assets']
  readonly random: Random
  readonly clock: Clock
  /** Whether the demo is reached over https. */
  readonly secure: boolean
  /** Whether to offer a sign-in at the second app. */
  readonly hasSecondApp: boolean
}

export interface TokensPageInput {
  readonly signedIn: SignedIn
  readonly csrf: string
  readonly notice: Notice | undefined
  /** The userInfo endpoint's answer, where it gave one. */
  readonly userInfo: unknown
  /** Where the sign-out form leads in the end. */
  readonly endSessionUrl: URL | undefined
}

export interface DemoPages {
  home(ctx: Context, notice: Notice | undefined): void
  tokens(ctx: Context, input: TokensPageInput): void
}

export function createDemoPages(options: DemoPagesOptions): DemoPages {
  const { views, catalogue, random, clock } = options
  const begin = (ctx: Context, notice: Notice | undefined, formTargets: readonly string[]) => {
    const locale = catalogue.locale(ctx.acceptsLanguages())
    const nonce = random.handle()
    ctx.type = 'html'
    ctx.set(pageHeaders({ nonce, secure: options.secure, formTargets }))
    return { locale, page: commonPage(locale, options.assets, nonce, notice) }
  }
  return {
    home(ctx, notice) {
      const { locale, page } = begin(ctx, notice, [])
      ctx.body = views.render('pages/demo-home', {
        ...page,
        text: locale.text('demo.texts.home'),
        signIn: { href: demoPaths.signIn },
        ...(options.hasSecondApp
          ? { otherSignIn: { href: `${demoPaths.signIn}?app=two`, label: locale.text('demo.texts.otherSignIn') } }
          : {}),
      })
    },
    tokens(ctx, { signedIn, csrf, notice, userInfo, endSessionUrl }) {
      const target = endSessionUrl === undefined ? undefined : formTarget(endSessionUrl.href)
      const { locale, page } = begin(ctx, notice, target === undefined ? [] : [target])
      const { tokens } = signedIn
      ctx.body = views.render('pages/demo-tokens', {
        ...page,
        user: userOf(tokens.claims),
        tokens: shownTokens(tokens, locale, clock),
        actions: {
          ...(tokens.refreshToken === undefined ? {} : { refresh: { action: demoPaths.refresh, csrf } }),
          signOut: { action: demoPaths.signOut, csrf },
          ...(userInfo === undefined ? {} : { userInfo: pretty(userInfo) }),
        },
        links: endSessionUrl === undefined ? {} : { account: accountUrl(endSessionUrl) },
      })
    },
  }
}

/** The account's pages stand beside the sign-out of their user pool. */
function accountUrl(endSessionUrl: URL): string {
  const url = new URL('account', endSessionUrl)
  const clientId = endSessionUrl.searchParams.get('client_id')
  if (clientId !== null) url.searchParams.set('client_id', clientId)
  return url.href
}

function commonPage(locale: Locale, assets: Page['assets'], cspNonce: string, notice: Notice | undefined): Page {
  return {
    lang: locale.lang,
    dir: locale.dir,
    cspNonce,
    assets,
    brand: { name: locale.text('common.product') },
    title: locale.text('demo.title'),
    t: locale.section('demo'),
    common: locale.section('common'),
    ...(notice === undefined ? {} : { alert: alertOf(notice, locale) }),
  }
}

function alertOf(notice: Notice, locale: Locale): Alert {
  switch (notice.kind) {
    case 'refreshed':
      return { kind: 'success', text: locale.text('demo.texts.refreshed') }
    case 'sessionExpired':
    case 'signedOutHere':
      return { kind: 'info', text: locale.text(`demo.texts.${notice.kind}`) }
    case 'unknownSignIn':
    case 'formExpired':
      return { kind: 'error', text: locale.text(`demo.texts.${notice.kind}`) }
    case 'unreachable':
    case 'untrusted':
      return { kind: 'error', text: locale.text(`demo.texts.${notice.kind}`, { reason: notice.reason }) }
    case 'refused': {
      const { error, description } = notice
      const text =
        description === undefined
          ? locale.text('demo.texts.refused', { error })
          : locale.text('demo.texts.refusedBecause', { error, description })
      return { kind: 'error', text }
    }
  }
}

const nameClaims = ['name', 'preferred_username', 'email', 'cognito:username']

function userOf(claims: JWTPayload): { name: string; email?: string } {
  const name = nameClaims.map((claim) => claims[claim]).find((value) => typeof value === 'string' && value !== '')
  return {
    name: typeof name === 'string' ? name : (claims.sub ?? ''),
    ...(typeof claims['email'] === 'string' ? { email: claims['email'] } : {}),
  }
}

function shownTokens(tokens: TokenSet, locale: Locale, clock: Clock): DemoToken[] {
  const show = (title: string, raw: string, expiresAt: Date | undefined): DemoToken => {
    const decoded = decodeToken(raw)
    return {
      title: locale.text(`demo.texts.${title}`),
      ...(decoded === undefined ? {} : { header: pretty(decoded.header), payload: pretty(decoded.payload) }),
      raw,
      expiresText: expiresText(expiresAt, locale, clock),
    }
  }
  const shown = [
    show('accessToken', tokens.accessToken, tokens.accessTokenExpiresAt),
    show('idToken', tokens.idToken, new Date(tokens.claims.exp * 1000)),
  ]
  // Seeing it change is how one sees rotation; a real app would keep it where no page reaches it.
  if (tokens.refreshToken !== undefined) shown.push(show('refreshToken', tokens.refreshToken, undefined))
  return shown
}

function expiresText(expiresAt: Date | undefined, locale: Locale, clock: Clock): string {
  if (expiresAt === undefined) return locale.text('demo.texts.expiryUnknown')
  const seconds = (expiresAt.getTime() - clock.now().getTime()) / 1000
  if (seconds <= 0) return locale.text('demo.texts.expired')
  return locale.text('demo.texts.expiresIn', { duration: locale.duration(seconds) })
}

const pretty = (value: unknown): string => JSON.stringify(value, null, 2)
