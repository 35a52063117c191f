/**
 * Fills in a text of Cognito's form: `{####}` is the code, `{##text##}` the link, `{username}` the user name, and what `more` has by
 * name. Each value
 * goes through `encode` and is never looked at again, so that a user called `{####}` stays one. A placeholder without a
 * value stays as it is.
 */
export function fillCognitoTemplate(
  template: string,
  values: { code?: string; link?: string; username: string; more?: Readonly<Record<string, string>> },
  { encode = (value) => value, linkTo = (text, link) => `${text} (${link})` }: TemplateForm = {},
): string {
  const pattern = /\{##([^#{}]*)##\}|\{(username|brand|duration|event|when|from)\}/g
  return template.replaceAll(pattern, (placeholder, text: string | undefined, name: string | undefined) => {
    if (text === undefined) {
      const value = name === 'username' ? values.username : values.more?.[name ?? '']
      return value === undefined ? placeholder : encode(value)
    }
    if (text === '') return values.code === undefined ? placeholder : encode(values.code)
    // The operator wrote the text, as markup where the message is HTML.
    return values.link === undefined ? placeholder : linkTo(text, values.link)
  })
}

/** How values get into a message; plain text without one. */
interface TemplateForm {
  encode?: (value: string) => string
  linkTo?: (text: string, link: string) => string
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

export const escapeHtml = (text: string): string =>
  text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? '')

const named: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: ' ' }

/** The plain text of a simple HTML message: for readers that show no HTML, not a browser. */
export function htmlToText(html: string): string {
  return html
    .replaceAll(/<!--[\s\S]*?(?:-->|$)|<(script|style|head|title)\b[\s\S]*?(?:<\/\1\s*>|$)/gi, '')
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/<a\b([^<>]*)>([^<]*)<\/a\s*>/gi, (_, attributes: string, text: string) => textOfLink(attributes, text))
    .replaceAll(/<br\b[^<>]*>|<\/(?:div|tr|li|h[1-6])\s*>/gi, '\n')
    .replaceAll(/<\/(?:p|table|ul|ol)\s*>/gi, '\n\n')
    .replaceAll(/<\/?[a-z!][^<>]*>/gi, '')
    .replaceAll(/&(?:#(\d{1,7})|([a-z]+));/gi, (entity, code: string | undefined, name: string | undefined) =>
      code === undefined ? (named[name ?? ''] ?? entity) : characterOf(Number(code), entity),
    )
    .replaceAll(/ *\n */g, '\n')
    .replaceAll(/\n{3,}/g, '\n\n')
    .trim()
}

function textOfLink(attributes: string, text: string): string {
  const target = /\bhref\s*=\s*["']?([^"'\s]+)/i.exec(attributes)?.[1]
  return target === undefined ? text : `${text} (${target})`
}

const characterOf = (code: number, otherwise: string): string =>
  code >= 0x20 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff) ? String.fromCodePoint(code) : otherwise
