import type { OutgoingMessage } from '../messages/message.ts'
import { regionOf } from '../user-pools/region.ts'
import type { UserPool } from '../user-pools/user-pool.ts'
import type { User } from '../users/user.ts'
import { callerContext, userAttributes } from './envelope.ts'
import { fireTrigger } from './fire-trigger.ts'
import type { TriggerServices } from './fire-trigger.ts'

/* Messages that a trigger sends by itself (reference: triggers §12): with another provider, another template, or not at all. */

const senders = {
  EMAIL: { name: 'CustomEmailSender', type: 'customEmailSenderRequestV1' },
  SMS: { name: 'CustomSMSSender', type: 'customSMSSenderRequestV1' },
} as const

/**
 * Hands a message to the pool's sender of its medium. The code and the link go encrypted to the key that the receiver holds; to a
 * module, which runs here, in the clear where there is no key.
 * @returns false where the pool has none, or the message is none of Cognito's: it takes the usual way
 * @throws TriggerFailure where it was not taken
 */
export async function sendByTrigger(
  services: TriggerServices,
  userPool: UserPool,
  message: OutgoingMessage,
): Promise<boolean> {
  const { name, type } = senders[message.medium]
  const target = userPool.triggers[name]
  const { trigger } = message
  if (target === undefined || trigger === undefined) return false
  const user = await services.store.users.findBySub(userPool.id, trigger.userSub)
  if (user === undefined) return false
  const { publicKey } = target
  const context = { 'userpool-id': userPool.id }
  const sealed = async (text: string): Promise<string> =>
    publicKey === undefined ? text : services.triggers.encrypt(publicKey, text, context)
  const { clientId } = trigger
  await fireTrigger(
    services,
    userPool,
    name,
    {
      version: '1',
      triggerSource: `${name}_${trigger.source}`,
      region: regionOf(userPool),
      userPoolId: userPool.id,
      userName: user.username,
      callerContext: callerContext({}, clientId === undefined ? undefined : { id: clientId }, message.languages),
      request: {
        type,
        code: message.code === undefined ? null : await sealed(message.code),
        userAttributes: { ...userAttributes(user), ...takeOver(message, user) },
        // What Cognito does not tell: where the message goes, which is not always where the user's attributes say.
        destination: message.recipient,
        ...(message.link === undefined ? {} : { link: await sealed(message.link) }),
      },
      response: {},
    },
    'unread',
  )
  return true
}

/**
 * What Cognito's threat protection tells of a sign-in. The link is in the clear, as there: it only takes access away, and mails the owner.
 */
const takeOver = ({ trigger, from, happenedAt, link }: OutgoingMessage, user: User): Record<string, string> =>
  trigger?.source !== 'AccountTakeOverNotification'
    ? {}
    : {
        USER_NAME: user.username,
        ACCOUNT_TAKE_OVER_ACTION: 'NO_ACTION',
        ...(from === undefined ? {} : { IP_ADDRESS: from }),
        ...(happenedAt === undefined ? {} : { LOGIN_TIME: happenedAt }),
        ...(link === undefined ? {} : { ONE_CLICK_LINK_INVALID: link }),
      }
