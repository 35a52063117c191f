import { domainToASCII, domainToUnicode } from 'node:url'

const maximumAddressLength = 254 // RFC 5321 §4.5.3.1.3, less the angle brackets
const maximumLocalPartLength = 64 // RFC 5321 §4.5.3.1.1

/*
 * RFC 5322's dot-atom without `%` and `!`. Quoted local parts are where parsers disagree about who gets the mail (threat
 * row E5), and `%` and `!` are routes of old (`user%host@relay`, `host!user@relay`) that relays still follow.
 */
const localPart = /^[\w#$&'*+/=?^`{|}~-]+(?:\.[\w#$&'*+/=?^`{|}~-]+)*$/

/*
 * An encoded word (RFC 2047) is a dot-atom by its letters; mail libraries and servers have been seen to decode one inside an
 * address, with another address in it (`=?utf-8?q?mal=40attacker.example=3e?=@victim.example`).
 */
const encodedWord = /=\?|\?=/
const domainLabel = /^[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?$/i

/**
 * Checks an e-mail address as a person types it. The local part is an ASCII dot-atom; the domain has at least two LDH
 * labels, and an internationalised one is turned into its ASCII form. Single-label domains (`root@localhost`) and
 * address literals are refused: a relay would deliver them to its own mailboxes. So are look-alikes that normalisation
 * would turn into another address (full-width letters, soft hyphens): they are never folded.
 *
 * @returns the address without outer spaces, its case kept; undefined when it is none
 */
export function parseEmailAddress(text: string): string | undefined {
  const trimmed = text.replace(/^ +| +$/g, '')
  if (trimmed.length > maximumAddressLength) return undefined
  const at = trimmed.indexOf('@')
  const local = trimmed.slice(0, Math.max(0, at))
  if (local.length > maximumLocalPartLength || !localPart.test(local)) return undefined
  if (encodedWord.test(local)) return undefined
  const domain = asciiDomain(trimmed.slice(at + 1))
  if (domain === undefined) return undefined
  const address = `${local}@${domain}`
  return address.length > maximumAddressLength ? undefined : address
}

/** The domain in ASCII, when it is a host name of the public kind and its Unicode form says nothing else. */
function asciiDomain(domain: string): string | undefined {
  // UTS 46 maps much onto plain letters and dots; only a domain that comes back as it went in is unambiguous.
  const ascii = domainToASCII(domain)
  const isAscii = isLdh(domain)
  if ((isAscii ? ascii : domainToUnicode(ascii)) !== domain.toLowerCase()) return undefined
  // A capital that is not the capital of its small letter: the Kelvin sign is a small k, and would make another's domain.
  if (domain.toLowerCase().toUpperCase() !== domain.toUpperCase()) return undefined
  if (!isLdh(ascii)) return undefined
  if (!ascii.split('.').every(isUnambiguousLabel)) return undefined
  const topLevel = ascii.slice(ascii.lastIndexOf('.') + 1)
  if (/^\d+$/.test(topLevel)) return undefined
  return isAscii ? domain : ascii
}

/** A punycode label must stand for letters beyond ASCII, and for them alone: `xn--victim-` would be read as `victim`. */
const isUnambiguousLabel = (label: string): boolean => {
  if (!label.startsWith('xn--')) return true
  const unicode = domainToUnicode(label)
  return unicode !== label && domainToASCII(unicode) === label
}

function isLdh(domain: string): boolean {
  const labels = domain.split('.')
  return domain.length <= 253 && labels.length > 1 && labels.every((label) => domainLabel.test(label))
}

/**
 * What a page or an API answer may show of an address (Cognito: CodeDeliveryDetails.Destination): `j***@e***`,
 * `+*******1234`. Always as many stars, so that they do not tell the length.
 */
export function maskDestination(medium: 'EMAIL' | 'SMS', address: string): string {
  if (medium === 'SMS') return `+*******${address.slice(-4)}`
  const domain = address.slice(address.lastIndexOf('@') + 1)
  return `${firstCharacter(address)}***@${firstCharacter(domain)}***`
}

const firstCharacter = (text: string): string => Array.from(text)[0] ?? ''
