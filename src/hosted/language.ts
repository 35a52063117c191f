import type { Context } from 'koa'
import type { Locale, MessageCatalogue } from '../platform/views/message-catalogue.ts'
import type { LanguageLink } from '../platform/views/page-parts.ts'
import { setCookie } from '../security/cookies.ts'

const maximumLanguages = 10
const tag = /^[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8}){0,3}$/

/** Cognito's name for it. */
const languageCookie = 'lang'
const cookieLifeSeconds = 365 * 86_400

/**
 * BCP 47 tags, best first: what was chosen last, by the person on a page or by an app with Cognito's `lang` (kept in a
 * cookie), what the app asked for (the same, and OIDC's `ui_locales`), what the browser prefers (RFC 9110 §12.5.4).
 */
export function languagesOf(
  ctx: Pick<Context, 'get' | 'query' | 'cookies'>,
  request: Readonly<Record<string, string>>,
): readonly string[] {
  const chosen = [ctx.query['lang'] ?? ctx.cookies.get(languageCookie) ?? []].flat()
  const asked = [request['lang'] ?? '', ...(request['ui_locales'] ?? '').split(' ')]
  return [...chosen, ...asked, ...acceptedLanguages(ctx.get('Accept-Language'))]
    .filter((text) => tag.test(text))
    .slice(0, maximumLanguages)
}

/** Remembers the language that a link of the page's language menu chose, or an app with `lang`. */
export function rememberLanguage(ctx: Pick<Context, 'query' | 'append'>, secure: boolean): void {
  const { lang } = ctx.query
  if (typeof lang !== 'string' || !tag.test(lang)) return
  setCookie(ctx, languageCookie, lang, { secure, maxAgeSeconds: cookieLifeSeconds })
}

/** The menu: this very page in each language there is. */
export function languageLinks(
  catalogue: MessageCatalogue,
  current: Locale,
  pageInLanguage: (lang: string) => string,
): readonly LanguageLink[] {
  return catalogue.languages.map(({ lang, name }) => ({
    lang,
    name,
    href: pageInLanguage(lang),
    ...(lang === current.lang ? { current: true } : {}),
  }))
}

function acceptedLanguages(header: string): readonly string[] {
  return header
    .slice(0, 500)
    .split(',')
    .map((part) => {
      const [name = '', quality] = part.trim().split(/\s*;\s*q=/)
      return { name, quality: quality === undefined ? 1 : Number(quality) }
    })
    .filter(({ quality }) => quality > 0)
    .sort((a, b) => b.quality - a.quality)
    .map(({ name }) => name)
}
