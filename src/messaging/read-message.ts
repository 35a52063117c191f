import { z } from 'zod'
import { outboxPurpose } from '../domain/messages/enqueue-message.ts'
import { messageSources } from '../domain/messages/message.ts'
import type { MessageKind, OutgoingMessage } from '../domain/messages/message.ts'
import { noticeSubjects } from '../domain/notices/notice.ts'
import type { SealedBox } from '../security/sealed-box.ts'
import { DeliveryError } from './message-sender.ts'

const outgoingMessage = z.object({
  kind: z.enum([
    ...[
      'verification',
      'verificationLink',
      'reset',
      'signInCode',
      'mfaCode',
      'addressVerification',
      'addressChanging',
      'addressChanged',
    ],
    ...['accountExists', 'invitation', 'notice'],
  ] as const satisfies readonly MessageKind[]),
  userPoolId: z.string(),
  medium: z.enum(['EMAIL', 'SMS']),
  recipient: z.string().min(1),
  languages: z.array(z.string()),
  username: z.string(),
  clientId: z.string().exactOptional(),
  code: z.string().min(1).exactOptional(),
  validForMinutes: z.number().positive().exactOptional(),
  link: z.string().exactOptional(),
  about: z.enum(noticeSubjects).exactOptional(),
  happenedAt: z.string().exactOptional(),
  from: z.string().exactOptional(),
  forNobody: z.literal(true).exactOptional(),
  trigger: z
    .object({ source: z.enum(messageSources), userSub: z.string(), clientId: z.string().exactOptional() })
    .exactOptional(),
})

/**
 * Opens what `enqueueMessage` sealed. A message of a later version of this server may not be readable here.
 * @throws DeliveryError, permanent, saying nothing of the content
 */
export function readMessage(sealedMessage: string, sealedBox: Pick<SealedBox, 'open'>): OutgoingMessage {
  const parsed = outgoingMessage.safeParse(openJson(sealedMessage, sealedBox))
  if (!parsed.success) throw new DeliveryError('the message is not one that this version knows', { permanent: true })
  return parsed.data
}

function openJson(sealedMessage: string, sealedBox: Pick<SealedBox, 'open'>): unknown {
  try {
    return JSON.parse(sealedBox.open(sealedMessage, outboxPurpose))
  } catch {
    // The cause is left out: a JSON error quotes the text.
    throw new DeliveryError('the message cannot be opened; was LATCHKEY_SECRET changed?', { permanent: true })
  }
}
