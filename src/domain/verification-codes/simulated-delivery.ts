import { maskDestination, parseEmailAddress } from '../messages/email-address.ts'
import { parsePhoneNumber } from '../messages/phone-number.ts'
import type { DomainServices } from '../ports/services.ts'
import type { UserPool, VerifiableAttribute } from '../user-pools/user-pool.ts'
import { lookupKey } from '../users/sign-in-name.ts'
import type { CodeDelivery } from './issue-code.ts'

/** The case in which an address was once typed is known of real ones only. */
export const lowerCase = (delivery: CodeDelivery): CodeDelivery => ({
  ...delivery,
  destination: delivery.destination.toLowerCase(),
})

/**
 * Where a code goes that goes to nobody. The same name always leads to the same made-up destination, or asking twice would
 * tell.
 * @param channels kinds of addresses that codes may go to, first choice first
 */
export function simulatedDelivery(
  services: Pick<DomainServices, 'sealedBox'>,
  userPool: UserPool,
  channels: readonly VerifiableAttribute[],
  username: string,
  at: Date,
): CodeDelivery {
  const name = lookupKey(userPool, username)
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

function deliveryTo(attribute: VerifiableAttribute, address: string, at: Date): CodeDelivery {
  const medium = attribute === 'email' ? 'EMAIL' : 'SMS'
  return { medium, destination: maskDestination(medium, address), attribute, sentAt: at }
}
