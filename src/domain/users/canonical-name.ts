import { domainToASCII } from 'node:url'
import { parsePhoneNumber } from '../messages/phone-number.ts'

/**
 * The one canonical form of a sign-in name, used wherever one is stored or looked up (threat row A8): Unicode's
 * compatibility form without invisible characters, lower case unless the pool tells cases apart (simple case folding: a
 * dotless i is not an i), an e-mail's domain in its ASCII form without a trailing dot, a phone number in E.164.
 */
export function canonicalName(text: string, caseSensitive: boolean): string {
  const composed = text.normalize('NFKC').replaceAll(invisible, '').replaceAll('\0', '\uFFFD').normalize('NFKC').trim()
  const phone = parsePhoneNumber(composed)
  if (phone !== undefined) return phone
  const folded = caseSensitive ? composed : composed.toLowerCase().normalize('NFKC').replaceAll('ς', 'σ')
  const at = folded.lastIndexOf('@')
  if (at === -1) return folded
  const domain = folded
    .slice(at + 1)
    .replace(/\.$/, '')
    .toLowerCase()
  const ascii = domainToASCII(domain)
  return `${folded.slice(0, at)}@${ascii === '' ? domain : ascii}`
}

/** Characters that show nothing: with them two names would look alike. */
const invisible = /\p{Default_Ignorable_Code_Point}/gu
