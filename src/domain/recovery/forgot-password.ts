import { maskDestination, parseEmailAddress } from '../messages/email-address.ts'
import { parsePhoneNumber } from '../messages/phone-number.ts'
import { record } from '../audit/record.ts'
import { recoveringChange } from '../attribute-changes/pending-change.ts'
import type { DomainServices } from '../ports/services.ts'
import type { Repositories } from '../ports/store.ts'
import type { UserPool } from '../user-pools/user-pool.ts'
import { lookupKey } from '../users/sign-in-name.ts'
import { deliveryOf, issueCode } from '../verification-codes/issue-code.ts'
import type { CodeDelivery, CodeRequest } from '../verification-codes/issue-code.ts'
import { recoveryAttributes, recoveryChannel } from './recovery-channel.ts'
import { refusalOf, refusedEntry } from './recovery-refusal.ts'

export interface ForgotPasswordOutcome {
  /** Absent when no code went out: the page must not tell, and looks the same. */
  userSub?: string
  /** The same whether a code went out now or a moment ago. */
  delivery: CodeDelivery
}

/**
 * Cognito's ForgotPassword. It works from every status of a user and never changes the account; whoever cannot be
 * reached, or does not exist, gets the same answer with a made-up destination (threat row B13).
 */
export async function forgotPassword(
  services: DomainServices,
  request: { userPool: UserPool; username: string; languages: readonly string[] },
): Promise<ForgotPasswordOutcome> {
  const { userPool, username, languages } = request
  const outcome = await services.store.transaction(async (tx): Promise<ForgotPasswordOutcome> => {
    const at = services.clock.now()
    const nameKey = lookupKey(userPool, username)
    const user = await tx.users.findByIdentifier(userPool.id, nameKey)
    const attribute = user?.enabled === true ? await recoveryChannel(tx, userPool, user) : undefined
    if (user === undefined || attribute === undefined) {
      const refusal = (await refusalOf(tx, userPool, user)) ?? 'noRecovery'
      await record(services, tx, refusedEntry(userPool, nameKey, user, refusal))
      return { delivery: simulatedDelivery(services, userPool, username, at) }
    }
    const code = { userPool, user, purpose: 'reset', attribute, languages, at } as const
    await sendToPendingAddress(services, tx, code)
    const delivery = await issueCode(services, tx, code)
    const event = { eventType: 'ForgotPassword', response: 'InProgress', userSub: user.sub } as const
    if (delivery !== undefined) await record(services, tx, { userPoolId: userPool.id, ...event })
    // The earlier moment would tell: for nobody's account there is none, and the page shows how long to wait.
    return { userSub: user.sub, delivery: delivery ?? deliveryOf(code) }
  })
  services.messagesQueued()
  // The case in which an address was once typed is known of real ones only.
  const { delivery } = outcome
  return { ...outcome, delivery: { ...delivery, destination: delivery.destination.toLowerCase() } }
}

/**
 * An address that waits for its proof serves as well: whoever lost the former one could not get in to finish the change
 * (decision 13).
 */
async function sendToPendingAddress(services: DomainServices, tx: Repositories, code: CodeRequest): Promise<void> {
  const pending = await recoveringChange(tx, code.user, code.attribute, code.at)
  if (pending === undefined) return
  await issueCode(services, tx, { ...code, purpose: 'reset_pending', recipient: pending.value })
}

/** The same name always leads to the same made-up destination, or asking twice would tell. */
function simulatedDelivery(services: DomainServices, userPool: UserPool, username: string, at: Date): CodeDelivery {
  const name = lookupKey(userPool, username)
  const channels = recoveryAttributes(userPool)
  const email = parseEmailAddress(name)
  if (email !== undefined && channels.includes('email')) return deliveryTo('email', email, at)
  const phone = parsePhoneNumber(name)
  if (phone !== undefined && channels.includes('phone_number')) return deliveryTo('phone_number', phone, at)
  const digest = services.sealedBox.digest(`${userPool.id}\n${name}`, 'simulated destination')
  if (channels[0] === 'phone_number') {
    const digits = Buffer.from(digest, 'base64url').readUInt32BE() % 10_000
    return deliveryTo('phone_number', String(digits).padStart(4, '0'), at)
  }
  const letters = digest.toLowerCase().replaceAll(/[^a-z]/g, '')
  return deliveryTo('email', `${letters.charAt(0) || 'a'}x@${letters.charAt(1) || 'm'}x.com`, at)
}

function deliveryTo(attribute: 'email' | 'phone_number', address: string, at: Date): CodeDelivery {
  const medium = attribute === 'email' ? 'EMAIL' : 'SMS'
  return { medium, destination: maskDestination(medium, address), attribute, sentAt: at }
}
