import type { OutgoingMessage } from '../../domain/messages/message.ts'
import type { CustomTexts } from '../../domain/triggers/custom-message.ts'
import type { Locale } from '../../platform/views/message-catalogue.ts'
import type { ViewEngine } from '../../platform/views/view-engine.ts'
import { messageTexts, required, singleLine } from '../message-texts.ts'
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
  const words = { ...overridesOf(message.kind, presentation.overrides), ...custom }
  if (words.subject !== undefined || words.message !== undefined) {
    const own = ownTexts(message, locale, words, subject)
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
  locale: Locale,
  { subject: ownSubject, message: ownMessage }: CustomTexts,
  defaultSubject: string,
): { subject: string; html?: undefined } | EmailTexts {
  const byLink = message.kind === 'verificationLink'
  const secret = byLink ? { link: required(message, 'link') } : { code: required(message, 'code') }
  const link = message.link === undefined ? {} : { link: message.link }
  const values = { ...link, ...secret, username: message.username }
  const subject = singleLine(ownSubject === undefined ? defaultSubject : fillCognitoTemplate(ownSubject, values))
  if (ownMessage === undefined) return { subject }
  const body = fillCognitoTemplate(ownMessage, values, { encode: escapeHtml, linkTo: anchor })
  return {
    subject,
    html: /<html[\s>]/i.test(ownMessage) ? body : htmlDocument(locale, subject, body),
    text: fillCognitoTemplate(htmlToText(ownMessage), values),
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

const htmlDocument = (locale: Locale, title: string, body: string): string =>
  `<!doctype html>\n<html lang="${escapeHtml(locale.lang)}" dir="${locale.dir}"><head><meta charset="utf-8">` +
  `<title>${escapeHtml(title)}</title></head>\n<body>${body}</body></html>\n`
