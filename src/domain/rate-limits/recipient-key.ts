import { parseEmailAddress } from '../messages/email-address.ts'
import { parsePhoneNumber } from '../messages/phone-number.ts'
import type { UserPool } from '../user-pools/user-pool.ts'
import { canonicalName } from '../users/canonical-name.ts'
import { lookupKey } from '../users/sign-in-name.ts'

/**
 * What messages to one mailbox or phone count under, however its address is spelt. Sub-addresses (`ada+1@…`) and dots
 * before the `@` lead to one mailbox at the largest providers: two people whose addresses differ in these alone share
 * a count, which is less harm than a way round it.
 */
export function recipientKey(address: string): string {
  const canonical = canonicalName(address, false)
  const at = canonical.lastIndexOf('@')
  if (at === -1) return canonical
  const local = canonical.slice(0, at).replace(/\+.*$/, '').replaceAll('.', '')
  return `${local === '' ? canonical.slice(0, at) : local}${canonical.slice(at)}`
}

/** The same for what somebody typed to be written to: an address, or another name of whoever has it. */
export function typedRecipientKey(userPool: UserPool, typed: string): string {
  const canonical = canonicalName(typed, false)
  const isAddress = parseEmailAddress(canonical) !== undefined || parsePhoneNumber(canonical) !== undefined
  return isAddress ? recipientKey(canonical) : lookupKey(userPool, typed)
}
