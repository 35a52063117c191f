import { domainToASCII } from 'node:url'

/**
 * The one canonical form of a sign-in name, used wherever one is stored or looked up (threat row A8): Unicode's
 * compatibility form, lower case unless the pool tells cases apart, an e-mail's domain in its ASCII form without a
 * trailing dot, a phone number without punctuation.
 */
export function canonicalName(text: string, caseSensitive: boolean): string {
  const composed = text.normalize('NFKC').trim()
  if (/^\+[\d\s().-]+$/.test(composed)) return composed.replaceAll(/[^\d+]/g, '')
  const folded = caseSensitive ? composed : composed.toLowerCase().normalize('NFKC')
  const at = folded.lastIndexOf('@')
  if (at === -1) return folded
  const domain = folded
    .slice(at + 1)
    .replace(/\.$/, '')
    .toLowerCase()
  const ascii = domainToASCII(domain)
  return `${folded.slice(0, at)}@${ascii === '' ? domain : ascii}`
}
