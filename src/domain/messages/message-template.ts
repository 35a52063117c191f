import type { MessageKind } from './message.ts'

/** A text by language (BCP 47, lower case), `*` in any other. */
export type LocalisedText = Readonly<Record<string, string>>

/** An operator's own words for messages of a kind, in Cognito's form. */
export interface MessageTemplate {
  subject?: LocalisedText
  /** HTML. */
  message?: LocalisedText
  sms?: LocalisedText
}

export type MessageTemplates = Readonly<Partial<Record<MessageKind, MessageTemplate>>>

/** Whom messages of a pool come from, and who gets the answers. */
export interface SenderIdentity {
  name?: string
  address?: string
  replyTo?: string
  /** Of SMS: a number in E.164, or up to eleven letters and digits. */
  smsId?: string
}

/**
 * The text in the best language of those that the person reads: exactly, by a shorter tag, or whatever there is for any other.
 * @param languages BCP 47 tags, best first
 */
export function textIn(
  text: LocalisedText | undefined,
  languages: readonly string[],
): { text: string; lang?: string } | undefined {
  if (text === undefined) return undefined
  for (const wanted of languages.map((tag) => tag.toLowerCase())) {
    for (let tag = wanted; tag !== ''; tag = tag.slice(0, Math.max(0, tag.lastIndexOf('-')))) {
      const found = text[tag]
      if (found !== undefined) return { text: found, lang: tag }
    }
  }
  const other = text['*'] ?? text['en'] ?? Object.values(text)[0]
  return other === undefined ? undefined : { text: other }
}
