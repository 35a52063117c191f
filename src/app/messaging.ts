import { customMessage } from '../domain/triggers/custom-message.ts'
import { sendByTrigger } from '../domain/triggers/custom-sender.ts'
import { TriggerFailure } from '../domain/triggers/trigger-failure.ts'
import { createMailboxSender } from '../messaging/email/mailbox-sender.ts'
import { createSmtpSender } from '../messaging/email/smtp-sender.ts'
import { DeliveryError } from '../messaging/message-sender.ts'
import type { MessageSender } from '../messaging/message-sender.ts'
import { createOutboxWorker } from '../messaging/outbox-worker.ts'
import { createMessageRenderer } from '../messaging/render-message.ts'
import { createSmsSender } from '../messaging/sms/sms-sender.ts'
import { createMailboxSmsSender } from '../messaging/sms/mailbox-sms-sender.ts'
import { mailboxRepository } from '../persistence/mailbox-repository.ts'
import type { Clock } from '../platform/clock.ts'
import { ConfigError } from '../platform/config/config-error.ts'
import type { Environment } from '../platform/config/environment.ts'
import type { Log } from '../platform/log.ts'
import type { MessageCatalogue } from '../platform/views/message-catalogue.ts'
import type { ViewEngine } from '../platform/views/view-engine.ts'
import type { OpenServices } from './open-services.ts'
import { presentationOf } from './message-presentation.ts'

/** Starts the outbox worker with the senders that the environment asks for. */
export async function startMessaging(options: {
  environment: Environment
  services: OpenServices
  views: ViewEngine
  catalogue: MessageCatalogue
  publicUrl: string
  log: Log
}): Promise<{ stop(): Promise<void> }> {
  const { services, views, catalogue, publicUrl, log } = options
  const { domain, directory } = services
  const worker = createOutboxWorker({
    outbox: domain.store.outbox,
    sealedBox: domain.sealedBox,
    random: domain.random,
    clock: domain.clock,
    log,
    senders: sendersFor(options),
    sendElsewhere: async (message) => {
      const userPool = directory.byId(message.userPoolId)
      return userPool !== undefined && retried(sendByTrigger(domain, userPool, message))
    },
    render: createMessageRenderer({
      views,
      catalogue,
      brandOf: async ({ userPoolId, clientId }) => {
        const snapshot = await directory.get(userPoolId)
        return snapshot && presentationOf(snapshot, clientId, catalogue, publicUrl)
      },
      customise: async (message) => {
        const userPool = directory.byId(message.userPoolId)
        return userPool && deniedForGood(customMessage(domain, userPool, message))
      },
    }),
  })
  services.onMessagesQueued(() => worker.wake())
  if (services.database.kind === 'embedded') await domain.store.outbox.releaseAll(domain.clock.now())
  worker.start()
  return worker
}

/** What a sender has not taken is tried again, as with any mail server. */
async function retried<Result>(work: Promise<Result>): Promise<Result> {
  try {
    return await work
  } catch (error) {
    if (!(error instanceof TriggerFailure)) throw error
    throw new DeliveryError(error.message, { permanent: false, cause: error })
  }
}

/** What a trigger has turned away is not tried again. */
async function deniedForGood<Result>(work: Promise<Result>): Promise<Result> {
  try {
    return await work
  } catch (error) {
    if (!(error instanceof TriggerFailure)) throw error
    throw new DeliveryError(error.message, { permanent: true, cause: error })
  }
}

function sendersFor(options: Parameters<typeof startMessaging>[0]): Partial<Record<'EMAIL' | 'SMS', MessageSender>> {
  const { environment, services, publicUrl, log } = options
  const mailbox = mailboxRepository(services.database.kysely)
  const { sealedBox, clock } = services.domain
  const sms = smsSenders(environment, clock, () => createMailboxSmsSender(mailbox, sealedBox, clock))
  if (environment.smtpUrl !== undefined) {
    const from = environment.mailFrom ?? defaultSender(publicUrl)
    return { ...sms, EMAIL: smtpSender(environment.smtpUrl, from) }
  }
  if (environment.development) return { ...sms, EMAIL: createMailboxSender(mailbox, sealedBox, clock) }
  log.warn('SMTP_URL is not set: e-mail waits in the dead letters until it is')
  return sms
}

/** @param mailbox for development */
function smsSenders(
  { smsUrl, smsWebhookSecret, development }: Environment,
  clock: Clock,
  mailbox: () => MessageSender,
): { SMS?: MessageSender } {
  if (smsUrl === undefined) return development ? { SMS: mailbox() } : {}
  try {
    return { SMS: createSmsSender({ url: smsUrl, secret: smsWebhookSecret, clock }) }
  } catch (error) {
    throw new ConfigError([`SMS_URL cannot be used: ${(error as Error).message}`])
  }
}

/** What is wrong with SMTP_URL or MAIL_FROM is the configuration's problem; neither text quotes the password. */
function smtpSender(url: string, from: string): MessageSender {
  try {
    return createSmtpSender({ url, from })
  } catch (error) {
    throw new ConfigError([`SMTP_URL or MAIL_FROM cannot be used: ${(error as Error).message}`])
  }
}

function defaultSender(publicUrl: string): string {
  const { hostname } = new URL(publicUrl)
  const isName = hostname.includes('.') && !/^[\d.]+$/.test(hostname) && !hostname.startsWith('[')
  return `no-reply@${isName ? hostname : 'latchkey.local'}`
}
