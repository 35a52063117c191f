import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { countdownTexts } from './countdown-texts.ts'
import { parseMessages, type Message, type MessageValues } from './messages.ts'

export interface Locale {
  /** BCP 47 tag for the page's `lang`. */
  readonly lang: string
  readonly dir: 'ltr' | 'rtl'
  /** The language's own name for itself, for a language menu. */
  readonly name: string
  /** One message, by its dotted key (`outcomes.codeMismatch`). Throws for an unknown key or an absent value. */
  text(key: string, values?: MessageValues): string
  /**
   * Every message directly in a namespace, formatted with `values`, by its last name part: what a page gets as `t`.
   * Throws for an unknown namespace or an absent value. Do not change the answer: it may be shared.
   */
  section(name: string, values?: MessageValues): Record<string, string>
  /**
   * A length of time in words, in the largest unit that fits evenly: 5400 is "90 minutes", 86400 "24 hours"; under two
   * minutes in seconds.
   */
  duration(seconds: number): string
  /**
   * One text for each second of a wait, counted down from `seconds` to 1, from a message with a `seconds` value. Script
   * shows them one after the other, because no single text with a number put in is right in every language.
   */
  countdown(key: string, seconds: number): readonly string[]
}

export interface MessageCatalogue {
  /** The languages there are a file for, English first. */
  readonly languages: readonly Locale[]
  /**
   * The first language that a preference (BCP 47 tags, most wanted first: `['de-AT', 'en']`) names, exactly or by a
   * shorter tag; English where none does.
   */
  locale(preferences: readonly string[]): Locale
}

const fallback = 'en'

/** Reads `<language>.json` files of ICU messages once. Throws when one is malformed, or English is absent. */
export function loadMessageCatalogue(messagesFolder: string): MessageCatalogue {
  const languages = new Map<string, Locale>()
  const english = readLanguage(messagesFolder, fallback)
  const fallbackLocale = createLocale(fallback, english, english)
  languages.set(fallback, fallbackLocale)
  for (const file of readdirSync(messagesFolder).sort()) {
    if (!file.endsWith('.json') || file === `${fallback}.json`) continue
    const lang = file.slice(0, -'.json'.length)
    languages.set(lang.toLowerCase(), createLocale(lang, readLanguage(messagesFolder, lang), english))
  }
  return {
    languages: [...languages.values()],
    locale: (preferences) => pickLocale(languages, preferences) ?? fallbackLocale,
  }
}

// Accept-Language comes from outside: only as many wishes are looked at as a person may have.
const maxPreferences = 20

function pickLocale(languages: ReadonlyMap<string, Locale>, preferences: readonly string[]): Locale | undefined {
  for (const preference of preferences.slice(0, maxPreferences)) {
    let tag = preference.slice(0, 35).toLowerCase()
    // RFC 4647 §3.4, lookup: cut subtags off the end until one matches.
    while (tag !== '') {
      const locale = languages.get(tag)
      if (locale !== undefined) return locale
      tag = tag.slice(0, Math.max(0, tag.lastIndexOf('-')))
    }
  }
  return undefined
}

interface Language {
  readonly messages: ReadonlyMap<string, Message>
  /** Namespace to the names of the messages directly in it. */
  readonly namespaces: ReadonlyMap<string, readonly string[]>
}

function readLanguage(folder: string, lang: string): Language {
  const file = join(folder, `${lang}.json`)
  try {
    const messages = parseMessages(JSON.parse(readFileSync(file, 'utf8')))
    const namespaces = new Map<string, string[]>()
    for (const key of messages.keys()) {
      const at = key.lastIndexOf('.')
      if (at < 0) continue
      const namespace = key.slice(0, at)
      namespaces.set(namespace, [...(namespaces.get(namespace) ?? []), key.slice(at + 1)])
    }
    return { messages, namespaces }
  } catch (error) {
    throw new Error(`${file} is not a message file: ${(error as Error).message}`, { cause: error })
  }
}

function createLocale(lang: string, language: Language, english: Language): Locale {
  const text = (key: string, values?: MessageValues) => {
    // A language that lags behind shows English for what it lacks, rather than nothing.
    const message = language.messages.get(key) ?? english.messages.get(key)
    if (message === undefined) throw new Error(`There is no message named ${JSON.stringify(key)}.`)
    return message.format(values)
  }
  const fixedSections = new Map<string, Record<string, string>>()
  const section = (name: string, values?: MessageValues) => {
    const known = fixedSections.get(name)
    if (known !== undefined) return known
    const keys = english.namespaces.get(name)
    if (keys === undefined) throw new Error(`There is no message section named ${JSON.stringify(name)}.`)
    const texts = Object.fromEntries(keys.map((key) => [key, text(`${name}.${key}`, values)]))
    const fixed = keys.every((key) => !(language.messages.get(`${name}.${key}`)?.needsValues ?? true))
    if (fixed) fixedSections.set(name, Object.freeze(texts))
    return texts
  }
  return {
    lang,
    dir: text('language.dir') === 'rtl' ? 'rtl' : 'ltr',
    name: text('language.name'),
    text,
    section,
    duration: (seconds) => durationText(text, seconds),
    countdown: (key, seconds) => countdownTexts(text, key, seconds),
  }
}

function durationText(text: Locale['text'], seconds: number): string {
  if (seconds < 120 && seconds % 60 !== 0) return text('durations.seconds', { count: seconds })
  const minutes = Math.max(1, Math.round(seconds / 60))
  if (minutes % 1440 === 0 && minutes > 1440) return text('durations.days', { count: minutes / 1440 })
  if (minutes % 60 === 0) return text('durations.hours', { count: minutes / 60 })
  return text('durations.minutes', { count: minutes })
}
