import type { OutgoingMessage } from '../domain/messages/message.ts'
import type { CustomTexts } from '../domain/triggers/custom-message.ts'
import type { MessageCatalogue } from '../platform/views/message-catalogue.ts'
import type { ViewEngine } from '../platform/views/view-engine.ts'
import { renderEmail } from './email/render-email.ts'
import { DeliveryError } from './message-sender.ts'
import type { RenderedMessage } from './message-sender.ts'
import { singleLine } from './message-texts.ts'
import type { PoolPresentation } from './message-texts.ts'
import { renderSms } from './sms/render-sms.ts'

export interface MessageRendererOptions {
  views: Pick<ViewEngine, 'render'>
  catalogue: Pick<MessageCatalogue, 'locale'>
  /** How a user pool presents itself; undefined when there is no such pool any more. */
  brandOf: (
    message: Pick<OutgoingMessage, 'userPoolId' | 'clientId'>,
  ) => PoolPresentation | undefined | Promise<PoolPresentation | undefined>
  /** Words of a trigger, in Cognito's form. @throws DeliveryError where no message is to be sent */
  customise?: (message: OutgoingMessage) => Promise<CustomTexts | undefined>
}

export type MessageRenderer = (id: string, message: OutgoingMessage) => Promise<RenderedMessage>

/** Gives messages their texts. The renderer throws DeliveryError, permanent, for a message that cannot have any. */
export function createMessageRenderer({
  views,
  catalogue,
  brandOf,
  customise = async () => undefined,
}: MessageRendererOptions): MessageRenderer {
  return async (id, message) => {
    const presentation = await brandOf(message)
    if (presentation === undefined) throw new DeliveryError('its user pool is gone', { permanent: true })
    const locale = catalogue.locale(message.languages)
    const custom = await customise(message)
    const { medium, recipient } = message
    const texts =
      medium === 'EMAIL'
        ? renderEmail(message, locale, presentation, views, custom)
        : renderSms(message, locale, presentation, custom)
    const { name, ...sender } = presentation.sender ?? {}
    const brandName = singleLine(name ?? presentation.brand.name)
    return { id, medium, recipient, brandName, sender, lang: locale.lang, ...texts }
  }
}
