import { join } from 'node:path'
import { z } from 'zod'
import type { OutgoingMessage } from '../../domain/messages/message.ts'
import { kindNamed, messageTemplateNames } from '../../domain/user-pools/message-template-settings.ts'
import { createMessageRenderer } from '../../messaging/render-message.ts'
import { loadMessageCatalogue } from '../../platform/views/message-catalogue.ts'
import { createViewEngine } from '../../platform/views/view-engine.ts'
import { presentationOf } from '../message-presentation.ts'
import { viewsFolder } from '../views-folder.ts'
import { defineCommand } from './administration.ts'
import { CommandFailure } from './command-failure.ts'
import { requireUserPool, userPoolSelector } from './find.ts'

/** A message as it would leave, with values that are made up. */
export interface MessagePreview {
  Name: string
  Medium: 'EMAIL' | 'SMS'
  Language: string
  /** Of e-mails: `Name <address>`, where the pool has one of its own. */
  From?: string
  ReplyTo?: string
  Subject: string
  Text: string
  Html?: string
}

/** Every kind of message, or one, in the words of the pool and the app client. Nothing is sent, and no trigger is asked. */
export const previewMessages = defineCommand(
  z.strictObject({
    userPool: userPoolSelector,
    name: z.enum(messageTemplateNames, { error: `must be one of ${messageTemplateNames.join(', ')}` }).optional(),
    client: z.string().min(1).max(128).optional(),
    medium: z.enum(['EMAIL', 'SMS']).default('EMAIL'),
    languages: z.array(z.string().min(1).max(35)).max(10).default([]),
  }),
  async (administration, { userPool: selector, name, client, medium, languages }) => {
    const { id: userPoolId } = requireUserPool(administration, selector)
    const snapshot = await administration.directory.get(userPoolId)
    if (snapshot === undefined) throw new CommandFailure('notFound', `There is no user pool ${userPoolId}.`)
    if (client !== undefined && !snapshot.appClients.has(client)) {
      throw new CommandFailure('notFound', `User pool ${userPoolId} has no app client ${client}.`)
    }
    const catalogue = loadMessageCatalogue(join(viewsFolder, 'messages'))
    const { publicUrl } = administration
    const render = createMessageRenderer({
      views: createViewEngine(viewsFolder),
      catalogue,
      brandOf: () => presentationOf(snapshot, client, catalogue, publicUrl),
    })
    const at = administration.domain.clock.now()
    const names = name === undefined ? messageTemplateNames : [name]
    const Messages = await Promise.all(
      names.map(async (each): Promise<MessagePreview> => {
        const message = sampleOf(kindNamed(each), { userPoolId, medium, languages, publicUrl, at })
        const { subject, text, html, lang, brandName, sender } = await render('preview', message)
        return {
          Name: each,
          Medium: medium,
          Language: lang,
          ...(sender?.address === undefined ? {} : { From: `${brandName} <${sender.address}>` }),
          ...(sender?.replyTo === undefined ? {} : { ReplyTo: sender.replyTo }),
          Subject: subject,
          Text: text,
          ...(html === undefined ? {} : { Html: html }),
        }
      }),
    )
    return { Messages }
  },
)

interface Sampled extends Pick<OutgoingMessage, 'userPoolId' | 'medium' | 'languages'> {
  publicUrl: string
  at: Date
}

function sampleOf(kind: OutgoingMessage['kind'], { publicUrl, at, ...message }: Sampled): OutgoingMessage {
  const base = {
    ...message,
    kind,
    recipient: message.medium === 'EMAIL' ? 'ada@example.com' : '+442079460958',
    username: 'ada',
  }
  const code = { code: '493817', validForMinutes: 60 }
  const link = { link: `${publicUrl}/example?token=…` }
  switch (kind) {
    case 'verificationLink':
      return { ...base, ...link, validForMinutes: 1440 }
    case 'invitation':
      return { ...base, code: 'Temporary-1852', validForMinutes: 10_080 }
    case 'reset':
    case 'signInCode':
      return { ...base, ...code, ...link }
    case 'notice':
      return { ...base, ...link, about: 'passwordChanged', happenedAt: at.toISOString(), from: '192.0.2.1' }
    case 'accountExists':
    case 'addressChanging':
    case 'addressChanged':
      return { ...base, ...link }
    default:
      return { ...base, ...code }
  }
}
