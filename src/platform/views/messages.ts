import { IntlMessageFormat } from 'intl-messageformat'

/** What goes into a message's placeholders: plain text and numbers, never markup, never patterns. */
export type MessageValues = Readonly<Record<string, string | number>>

export interface Message {
  /** Whether the message has placeholders. */
  readonly needsValues: boolean
  /** Throws when a placeholder has no value. */
  format(values?: MessageValues): string
}

/**
 * Parses a message file: nested objects of ICU MessageFormat patterns become dotted keys. The file's
 * `language.format` names the locale for plurals and numbers. Throws on a pattern that is not ICU.
 */
export function parseMessages(content: unknown): ReadonlyMap<string, Message> {
  const patterns = new Map<string, string>()
  flatten(content, '', patterns)
  const format = patterns.get('language.format')
  if (format === undefined) throw new Error('language.format is missing')
  return new Map([...patterns].map(([key, pattern]) => [key, parseMessage(key, pattern, format)]))
}

function flatten(value: unknown, key: string, patterns: Map<string, string>): void {
  if (typeof value === 'string') {
    patterns.set(key, value)
    return
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error(`${key} is not a text`)
  for (const [name, member] of Object.entries(value)) flatten(member, key === '' ? name : `${key}.${name}`, patterns)
}

function parseMessage(key: string, pattern: string, locale: string): Message {
  const icu = parsePattern(key, pattern, locale)
  // TYPE.literal is 0 in the parser's tree: a message made of literals alone has one text for ever.
  const needsValues = icu.getAst().some((element) => Number(element.type) !== 0)
  if (!needsValues) {
    const text = String(icu.format())
    return { needsValues, format: () => text }
  }
  return { needsValues, format: (values) => String(icu.format({ ...values })) }
}

function parsePattern(key: string, pattern: string, locale: string): IntlMessageFormat {
  try {
    // Tags are text: messages hold words, templates hold markup.
    return new IntlMessageFormat(pattern, locale, undefined, { ignoreTag: true })
  } catch (error) {
    throw new Error(`${key}: ${(error as Error).message}`, { cause: error })
  }
}
