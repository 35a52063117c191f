import { z } from 'zod'
import { parseEmailAddress } from '../messages/email-address.ts'
import type { MessageKind } from '../messages/message.ts'
import type { LocalisedText, MessageTemplate, MessageTemplates, SenderIdentity } from '../messages/message-template.ts'

/* `MessageTemplates` of a user pool or app client: an operator's own words for each kind of message, in each language. */

/** Names as the configuration has them, and what a text of the kind must have a place for. */
const kinds = {
  Verification: { kind: 'verification', place: 'code' },
  VerificationLink: { kind: 'verificationLink', place: 'link' },
  Invitation: { kind: 'invitation', place: 'code' },
  ForgotPassword: { kind: 'reset', place: 'code' },
  SignInCode: { kind: 'signInCode', place: 'code' },
  Authentication: { kind: 'mfaCode', place: 'code' },
  AttributeVerification: { kind: 'addressVerification', place: 'code' },
  AddressChanging: { kind: 'addressChanging' },
  AddressChanged: { kind: 'addressChanged' },
  AccountExists: { kind: 'accountExists' },
  Notice: { kind: 'notice', place: 'link' },
} as const satisfies Record<string, { kind: MessageKind; place?: 'code' | 'link' }>

export const messageTemplateNames = Object.keys(kinds) as readonly (keyof typeof kinds)[]

/** As messages of this kind are called in the configuration. */
export const kindNamed = (name: keyof typeof kinds): MessageKind => kinds[name].kind

const places = {
  code: { shape: /\{####\}/, error: 'must have {####} where the code goes' },
  link: { shape: /\{##[^#{}]+##\}/, error: 'must have {##…##} around the text of the link' },
} as const

function localised(maximum: number, place?: 'code' | 'link') {
  const plain = z.string().min(1).max(maximum)
  const text = place === undefined ? plain : plain.regex(places[place].shape, places[place].error)
  const language = z.string().regex(/^(\*|[a-z]{2,3}(-[a-z\d]{1,8})*)$/i, 'must be a language such as "de", or "*"')
  return z.union([text, z.record(language, text)])
}

/** What a template of one kind may say. An SMS is one line, since each part of it costs. */
const templateOf = (place?: 'code' | 'link') =>
  z.strictObject({
    EmailSubject: localised(140).optional(),
    EmailMessage: localised(20_000, place).optional(),
    SmsMessage: localised(140, place === 'code' ? 'code' : undefined).optional(),
  })

type WrittenTemplate = z.output<ReturnType<typeof templateOf>>

export const messageTemplatesSchema = z.strictObject(
  Object.fromEntries(
    messageTemplateNames.map((name) => {
      const { place } = kinds[name] as { place?: 'code' | 'link' }
      return [name, templateOf(place).optional()]
    }),
  ) as Record<keyof typeof kinds, z.ZodOptional<ReturnType<typeof templateOf>>>,
)

export const messageTemplatesOf = (written: z.output<typeof messageTemplatesSchema> | undefined): MessageTemplates =>
  Object.fromEntries(
    messageTemplateNames.flatMap((name) => {
      const template = written?.[name]
      return template === undefined ? [] : [[kinds[name].kind, templateFrom(template)]]
    }),
  )

const templateFrom = ({ EmailSubject, EmailMessage, SmsMessage }: WrittenTemplate): MessageTemplate => ({
  ...(EmailSubject === undefined ? {} : { subject: byLanguage(EmailSubject) }),
  ...(EmailMessage === undefined ? {} : { message: byLanguage(EmailMessage) }),
  ...(SmsMessage === undefined ? {} : { sms: byLanguage(SmsMessage) }),
})

const byLanguage = (text: string | Readonly<Record<string, string>>): LocalisedText =>
  typeof text === 'string'
    ? { '*': text }
    : Object.fromEntries(Object.entries(text).map(([language, value]) => [language.toLowerCase(), value]))

/** Cognito's. What names its own services is not acted on, and nothing in it keeps a server from starting. */
export const emailConfiguration = z.looseObject({ From: z.unknown(), ReplyToEmailAddress: z.unknown() }).partial()

/** Cognito's members are kept; ours is who SMS come from. */
export const smsConfiguration = z.looseObject({ SenderId: z.unknown() }).partial()

/** A number, or a name as phones show it (3GPP TS 23.040: eleven characters). */
const smsId = /^(?:\+[1-9]\d{6,14}|(?=.*[A-Za-z])[A-Za-z\d][A-Za-z\d -]{0,10})$/

const readSmsId = (written: unknown): string | undefined =>
  typeof written === 'string' && smsId.test(written) ? written : undefined

/** `Name <address>`, or the address alone. @returns undefined where it is neither */
export function readSender(from: string): { name?: string; address: string } | undefined {
  const [, quoted, plain, inBrackets] = /^\s*(?:"([^"\\]*)"|([^"<>]*?))\s*<([^<>]+)>\s*$/.exec(from) ?? []
  const address = parseEmailAddress(inBrackets ?? from)
  const name = (quoted ?? plain ?? '').trim()
  if (address === undefined || /[\p{Cc}\u2028\u2029]/u.test(name)) return undefined
  return { address, ...(name === '' ? {} : { name }) }
}

export function senderIdentityOf(
  email: z.output<typeof emailConfiguration> | undefined,
  sms?: z.output<typeof smsConfiguration>,
): SenderIdentity {
  const { From: from, ReplyToEmailAddress: reply } = email ?? {}
  const sender = typeof from === 'string' ? readSender(from) : undefined
  const replyTo = typeof reply === 'string' ? parseEmailAddress(reply) : undefined
  const id = readSmsId(sms?.SenderId)
  return { ...sender, ...(replyTo === undefined ? {} : { replyTo }), ...(id === undefined ? {} : { smsId: id }) }
}

/** Members of an EmailConfiguration and an SmsConfiguration that cannot be used as they are. */
export function unusableSender(email: unknown, sms?: unknown): readonly string[] {
  const { From, ReplyToEmailAddress } = (email ?? {}) as Record<string, unknown>
  const { SenderId } = (sms ?? {}) as Record<string, unknown>
  return [
    ...(From === undefined || (typeof From === 'string' && readSender(From) !== undefined)
      ? []
      : ['EmailConfiguration.From']),
    ...(ReplyToEmailAddress === undefined ||
    (typeof ReplyToEmailAddress === 'string' && parseEmailAddress(ReplyToEmailAddress) !== undefined)
      ? []
      : ['EmailConfiguration.ReplyToEmailAddress']),
    ...(SenderId === undefined || readSmsId(SenderId) !== undefined ? [] : ['SmsConfiguration.SenderId']),
  ]
}
