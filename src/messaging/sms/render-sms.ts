import type { OutgoingMessage } from '../../domain/messages/message.ts'
import { textIn } from '../../domain/messages/message-template.ts'
import type { CustomTexts } from '../../domain/triggers/custom-message.ts'
import type { Locale } from '../../platform/views/message-catalogue.ts'
import { fillCognitoTemplate } from '../email/cognito-template.ts'
import { messageTexts, placeholderValues, required, singleLine } from '../message-texts.ts'
import type { PoolPresentation } from '../message-texts.ts'

/**
 * An SMS: the subject of the e-mail of the same kind says what it is, and what is needed follows. One short line, since
 * every part of a message costs.
 * @throws DeliveryError, permanent, when the message lacks what its kind needs
 */
export function renderSms(
  message: OutgoingMessage,
  locale: Locale,
  presentation: PoolPresentation,
  custom?: CustomTexts,
): { subject: string; text: string } {
  const brandName = singleLine(presentation.brand.name)
  const own =
    custom?.message ??
    textIn(presentation.templates?.[message.kind]?.sms, message.languages)?.text ??
    (message.kind === 'mfaCode' ? presentation.overrides.mfaSmsMessage : undefined)
  const subject = singleLine(messageTexts(message, locale, brandName)['subject'] ?? brandName)
  if (own !== undefined) {
    const { code, link = presentation.signInUrl, username } = message
    const more = placeholderValues(message, locale, brandName)
    const values = { ...(code === undefined ? {} : { code }), link, username, more }
    return { subject, text: singleLine(fillCognitoTemplate(own, values)) }
  }
  return { subject, text: `${subject}: ${contentOf(message, presentation.signInUrl)}` }
}

function contentOf(message: OutgoingMessage, signInUrl: string): string {
  const { link = signInUrl } = message
  switch (message.kind) {
    case 'verification':
    case 'reset':
    case 'signInCode':
    case 'mfaCode':
    case 'addressVerification':
      return required(message, 'code')
    case 'verificationLink':
      return required(message, 'link')
    case 'notice':
    case 'accountExists':
    case 'addressChanging':
    case 'addressChanged':
      return link
    case 'invitation':
      return `${message.username} / ${required(message, 'code')} ${link}`
  }
}
