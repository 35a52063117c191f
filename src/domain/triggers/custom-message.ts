import { z } from 'zod'
import type { OutgoingMessage } from '../messages/message.ts'
import { regionOf } from '../user-pools/region.ts'
import type { UserPool } from '../user-pools/user-pool.ts'
import { callerContext, userAttributes } from './envelope.ts'
import { fireTrigger } from './fire-trigger.ts'
import type { TriggerServices } from './fire-trigger.ts'
import { TriggerFailure } from './trigger-failure.ts'

/* The words of a message are a trigger's (reference: triggers §10). It is asked as the message leaves, so that nobody waits for it. */

/** Placeholders, which are filled in afterwards: the code itself is nothing that a trigger sees. */
const codeParameter = '{####}'
const linkParameter = '{##Click Here##}'

/** In Cognito's form, with placeholders. */
export interface CustomTexts {
  subject?: string
  message?: string
}

const text = (maximum: number) => z.string().max(maximum).nullish()

const answer = z.object({ smsMessage: text(140), emailMessage: text(20_000), emailSubject: text(140) })

/**
 * @returns undefined where the pool's own texts are to be used: it has no such trigger, or that says nothing, nothing of use, or does not
 * answer
 * @throws TriggerFailure, denied, where no message is to be sent
 */
export async function customMessage(
  services: TriggerServices,
  userPool: UserPool,
  message: OutgoingMessage,
): Promise<CustomTexts | undefined> {
  const { trigger, languages } = message
  if (trigger === undefined || userPool.triggers.CustomMessage === undefined) return undefined
  if (trigger.source === 'AccountTakeOverNotification') return undefined
  const user = await services.store.users.findBySub(userPool.id, trigger.userSub)
  if (user === undefined) return undefined
  const { clientId } = trigger
  const usernameParameter = trigger.source === 'AdminCreateUser' ? '{username}' : null
  const event = {
    version: '1',
    triggerSource: `CustomMessage_${trigger.source}`,
    region: regionOf(userPool),
    userPoolId: userPool.id,
    userName: user.username,
    callerContext: callerContext({}, clientId === undefined ? undefined : { id: clientId }, languages),
    request: { userAttributes: userAttributes(user), codeParameter, linkParameter, usernameParameter },
    response: { smsMessage: null, emailMessage: null, emailSubject: null },
  }
  try {
    const texts = await fireTrigger(services, userPool, 'CustomMessage', event, answerFor(message))
    return texts === undefined || Object.keys(texts).length === 0 ? undefined : texts
  } catch (error) {
    if (!(error instanceof TriggerFailure) || error.kind === 'denied') throw error
    return undefined
  }
}

/** What is not for this medium counts for nothing. */
const answerFor = ({ kind, medium }: OutgoingMessage) =>
  answer.transform(({ smsMessage, emailMessage, emailSubject }, context): CustomTexts => {
    const body = medium === 'EMAIL' ? emailMessage : smsMessage
    if (typeof body === 'string' && !hasPlace(kind, body)) {
      context.addIssue({ code: 'custom', message: 'the message has no place for what it is to carry' })
      return z.NEVER
    }
    return {
      ...(typeof body === 'string' ? { message: body } : {}),
      ...(medium === 'EMAIL' && typeof emailSubject === 'string' ? { subject: emailSubject } : {}),
    }
  })

const hasPlace = (kind: OutgoingMessage['kind'], body: string): boolean => {
  if (kind === 'verificationLink') return /\{##[^#{}]+##\}/.test(body)
  return body.includes(codeParameter) && (kind !== 'invitation' || body.includes('{username}'))
}
