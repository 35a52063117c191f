import type { OutgoingMessage } from '../../domain/messages/message.ts'
import { textIn } from '../../domain/messages/message-template.ts'
import type { CustomTexts } from '../../domain/triggers/custom-message.ts'
import type { Locale } from '../../platform/views/message-catalogue.ts'
import type { ViewEngine } from '../../platform/views/view-engine.ts'
import { messageTexts, placeholderValues, required, singleLine } from '../message-texts.ts'
import type { PoolPresentation } from '../message-texts.ts'
import { escapeHtml, fillCognitoTemplate, htmlToText } from './cognito-template.ts'

interface EmailTexts {
  subject: string
  html: string
  text: string
}

/**
 * An e-mail's subject, HTML and plain text. A pool's own verification texts (Cognito: EmailVerificationSubject and
 * EmailVerificationMessage) take the place of ours.
 * @throws DeliveryError, permanent, when the message lacks what its kind needs
 */
export function renderEmail(
  message: OutgoingMessage,
  locale: Locale,
  presentation: PoolPresentation,
  views: Pick<ViewEngine, 'render'>,
  custom?: CustomTexts,
): EmailTexts {
  const brand = { name: singleLine(presentation.brand.name) }
  const texts = messageTexts(message, locale, brand.name)
  const link = message.link ?? presentation.signInUrl
  const context = { lang: locale.lang, dir: locale.dir, brand, t: texts, link }
  const subject = texts['subject'] ?? brand.name
  const chosen = ownWords(message, locale, presentation)
  const words = { ...chosen.texts, ...custom }
  if (words.subject !== undefined || words.message !== undefined) {
    const values = { more: placeholderValues(message, locale, brand.name), link }
    const own = ownTexts(message, chosen.locale, words, { subject, ...values })
    if (own.html !== undefined) return { subject: own.subject, html: own.html, text: own.text }
    return { subject: own.subject, ...renderViews(message, context, views) }
  }
  return { subject: singleLine(subject), ...renderViews(message, context, views) }
}

type EmailContext = Pick<Locale, 'lang' | 'dir'> & { brand: { name: string }; t: Record<string, string>; link: string }

function renderViews(
  message: OutgoingMessage,
  shared: EmailContext,
  views: Pick<ViewEngine, 'render'>,
): Omit<EmailTexts, 'subject'> {
  switch (message.kind) {
    case 'verification': {
      const context = { ...shared, code: required(message, 'code') }
      return {
        html: views.render('emails/verification.html', context),
        text: views.render('emails/verification.text', context),
      }
    }
    case 'verificationLink': {
      const context = { ...shared, link: required(message, 'link') }
      return {
        html: views.render('emails/verification-link.html', context),
        text: views.render('emails/verification-link.text', context),
      }
    }
    case 'reset':
    case 'signInCode':
    case 'mfaCode':
    case 'addressVerification': {
      const { link: _, ...rest } = shared
      const ownLink = message.link === undefined ? {} : { link: message.link }
      const context = { ...rest, ...ownLink, code: required(message, 'code') }
      return { html: views.render('emails/reset.html', context), text: views.render('emails/reset.text', context) }
    }
    case 'accountExists':
    case 'addressChanging':
    case 'addressChanged':
      return {
        html: views.render('emails/account-exists.html', shared),
        text: views.render('emails/account-exists.text', shared),
      }
    case 'notice': {
      const context = { ...shared, link: required(message, 'link') }
      return { html: views.render('emails/notice.html', context), text: views.render('emails/notice.text', context) }
    }
    case 'invitation': {
      const context = { ...shared, username: message.username, temporaryPassword: required(message, 'code') }
      return {
        html: views.render('emails/invitation.html', context),
        text: views.render('emails/invitation.text', context),
      }
    }
  }
}

/**
 * The pool's own subject and message, those of a code, of a link or of a second factor. The message is HTML, as in Cognito: the
 * operator's markup stays, what comes from the user is escaped (threat row E7).
 */
function ownTexts(
  message: OutgoingMessage,
  locale: Pick<Locale, 'lang' | 'dir'>,
  { subject: ownSubject, message: ownMessage }: CustomTexts,
  shared: { subject: string; link: string; more: Readonly<Record<string, string>> },
): { subject: string; html?: undefined } | EmailTexts {
  const values = { ...carriedBy(message, shared.link), username: message.username, more: shared.more }
  const subject = singleLine(ownSubject === undefined ? shared.subject : fillCognitoTemplate(ownSubject, values))
  if (ownMessage === undefined) return { subject }
  const body = fillCognitoTemplate(ownMessage, values, { encode: escapeHtml, linkTo: anchor })
  return {
    subject,
    html: /<html[\s>]/i.test(ownMessage) ? body : htmlDocument(locale, subject, body),
    text: fillCognitoTemplate(htmlToText(ownMessage), values),
  }
}

/** Kinds that lead somewhere, and carry no code. */
const withoutCode: ReadonlySet<OutgoingMessage['kind']> = new Set([
  ...(['accountExists', 'addressChanging', 'addressChanged'] as const),
])

/** @param usualLink where messages lead that name no place of their own */
function carriedBy(message: OutgoingMessage, usualLink: string): { code?: string; link?: string } {
  if (message.kind === 'verificationLink' || message.kind === 'notice') return { link: required(message, 'link') }
  if (withoutCode.has(message.kind) || message.kind === 'invitation') {
    const code = message.kind === 'invitation' ? { code: required(message, 'code') } : {}
    return { link: usualLink, ...code }
  }
  const link = message.link === undefined ? {} : { link: message.link }
  return { ...link, code: required(message, 'code') }
}

const rightToLeft = new Set(['ar', 'fa', 'he', 'ur', 'ps', 'sd', 'ug', 'yi', 'dv'])

/** The operator's words for this kind, in the best of their languages; else those of Cognito's members. */
function ownWords(
  message: OutgoingMessage,
  locale: Locale,
  { templates, overrides }: PoolPresentation,
): { texts: CustomTexts; locale: Pick<Locale, 'lang' | 'dir'> } {
  const template = templates?.[message.kind]
  const [subject, body] = [template?.subject, template?.message].map((text) => textIn(text, message.languages))
  const lang = body?.lang ?? subject?.lang
  const language = lang?.split('-')[0] ?? ''
  return {
    texts: { ...overridesOf(message.kind, overrides), ...textsOf(subject?.text, body?.text) },
    locale: lang === undefined ? locale : { lang, dir: rightToLeft.has(language) ? 'rtl' : 'ltr' },
  }
}

function overridesOf(kind: OutgoingMessage['kind'], overrides: PoolPresentation['overrides']): CustomTexts {
  switch (kind) {
    case 'verification':
      return textsOf(overrides.verificationSubject, overrides.verificationMessage)
    case 'verificationLink':
      return textsOf(overrides.linkSubject, overrides.linkMessage)
    case 'mfaCode':
      return textsOf(overrides.mfaSubject, overrides.mfaMessage)
    default:
      return {}
  }
}

const textsOf = (subject: string | undefined, message: string | undefined): CustomTexts => ({
  ...(subject === undefined ? {} : { subject }),
  ...(message === undefined ? {} : { message }),
})

const anchor = (text: string, link: string): string => `<a href="${escapeHtml(link)}">${text}</a>`

const htmlDocument = (locale: Pick<Locale, 'lang' | 'dir'>, title: string, body: string): string =>
  `<!doctype html>\n<html lang="${escapeHtml(locale.lang)}" dir="${locale.dir}"><head><meta charset="utf-8">` +
  `<title>${escapeHtml(title)}</title></head>\n<body>${body}</body></html>\n`
