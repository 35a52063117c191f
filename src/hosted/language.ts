import type { Context } from 'koa'

const maximumLanguages = 10
const tag = /^[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8}){0,3}$/

/**
 * BCP 47 tags, best first: what the app asked for (Cognito's `lang`, OIDC's `ui_locales`), then what the browser prefers
 * (RFC 9110 §12.5.4).
 */
export function languagesOf(ctx: Pick<Context, 'get'>, request: Readonly<Record<string, string>>): readonly string[] {
  const asked = [request['lang'] ?? '', ...(request['ui_locales'] ?? '').split(' ')]
  return [...asked, ...acceptedLanguages(ctx.get('Accept-Language'))]
    .filter((text) => tag.test(text))
    .slice(0, maximumLanguages)
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
