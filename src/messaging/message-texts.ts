import type { MessageKind, MessageTemplateOverrides, OutgoingMessage } from '../domain/messages/message.ts'
import type { MessageTemplates, SenderIdentity } from '../domain/messages/message-template.ts'
import type { Locale } from '../platform/views/message-catalogue.ts'
import { DeliveryError } from './message-sender.ts'

/** How a user pool presents itself in messages. */
export interface PoolPresentation {
  brand: { name: string }
  overrides: MessageTemplateOverrides
  /** The operator's own words, which stand above those. */
  templates?: MessageTemplates
  sender?: SenderIdentity
  /** Where messages lead that name no place of their own; built from configured origins only (threat row E1). */
  signInUrl: string
}

const sections: Readonly<Record<MessageKind, string>> = {
  verification: 'emailVerification',
  verificationLink: 'emailVerificationLink',
  reset: 'emailReset',
  signInCode: 'emailSignInCode',
  mfaCode: 'emailMfaCode',
  addressVerification: 'emailAddressVerification',
  addressChanging: 'emailAddressChanging',
  addressChanged: 'emailAddressChanged',
  accountExists: 'emailAccountExists',
  invitation: 'emailInvitation',
  notice: 'emailNotice',
}

/** Those that carry nothing which ends. */
const notices: ReadonlySet<MessageKind> = new Set(['accountExists', 'addressChanging', 'addressChanged'])

/** The texts of the message's kind, in its language. @throws DeliveryError when the message lacks its validity */
export function messageTexts(message: OutgoingMessage, locale: Locale, brandName: string): Record<string, string> {
  const brand = { brand: brandName }
  if (message.kind === 'notice') return noticeTexts(message, locale, brandName)
  if (notices.has(message.kind)) {
    const texts = locale.section(sections[message.kind], brand)
    return ofOtherAddress.has(message.kind) && message.link !== undefined
      ? { ...texts, ...notMeTexts(locale, brand) }
      : texts
  }
  const duration = locale.duration(required(message, 'validForMinutes') * 60)
  return locale.section(sections[message.kind], { ...brand, duration })
}

/** Their link takes the account back; without one they lead to the sign-in page. */
const ofOtherAddress: ReadonlySet<MessageKind> = new Set(['addressChanging', 'addressChanged'])

function notMeTexts(locale: Locale, brand: { brand: string }): Record<string, string> {
  const { button = '', reset = '' } = locale.section('emailNotice', brand)
  return { button, reset }
}

function noticeTexts(message: OutgoingMessage, locale: Locale, brandName: string): Record<string, string> {
  const brand = { brand: brandName }
  const about = required(message, 'about')
  const when = timeInWords(required(message, 'happenedAt'), locale)
  const { from } = message
  const values = { when, ...(from === undefined ? {} : { from: `\u2068${from}\u2069` }) }
  return {
    ...locale.section('emailNotice', brand),
    ...locale.section(`emailNotices.${about}`, brand),
    detail: locale.text(from === undefined ? 'noticeDetail.when' : 'noticeDetail.whenAndFrom', values),
  }
}

const timeInWords = (at: string, locale: Locale): string =>
  `${new Intl.DateTimeFormat(locale.lang, { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' }).format(new Date(at))} UTC`

/** What an operator's own words may have a place for, beside code, link and user name. */
export function placeholderValues(message: OutgoingMessage, locale: Locale, brandName: string): Record<string, string> {
  const { about, happenedAt, from, validForMinutes } = message
  return {
    brand: brandName,
    ...(validForMinutes === undefined ? {} : { duration: locale.duration(validForMinutes * 60) }),
    ...(about === undefined
      ? {}
      : { event: locale.section(`emailNotices.${about}`, { brand: brandName })['heading'] ?? '' }),
    ...(happenedAt === undefined ? {} : { when: timeInWords(happenedAt, locale) }),
    ...(from === undefined ? {} : { from }),
  }
}

/** @throws DeliveryError, permanent, when the message lacks the member */
export function required<Name extends 'code' | 'link' | 'validForMinutes' | 'about' | 'happenedAt'>(
  message: OutgoingMessage,
  name: Name,
): NonNullable<OutgoingMessage[Name]> {
  const value = message[name]
  if (value === undefined) throw new DeliveryError(`the ${message.kind} message lacks its ${name}`, { permanent: true })
  return value
}

const maximumLineLength = 200

/**
 * One line for a header: without control characters, not endless, and no encoded word (RFC 2047), in which a reader of mail
 * would find what is not there, line breaks included.
 */
export function singleLine(text: string): string {
  const line = text
    .replaceAll(/[\p{Cc}\u2028\u2029\s]+/gu, ' ')
    .replaceAll('=?', '= ?')
    .trim()
  return Array.from(line).slice(0, maximumLineLength).join('')
}
