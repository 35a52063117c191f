const e164 = /^\+[1-9]\d{6,14}$/

/**
 * Checks a phone number as a person types it: `+` and country code first, with spaces, dashes, dots and parentheses
 * wherever they like.
 * @returns the number in E.164 (`+4930901820`); undefined when it is none
 */
export function parsePhoneNumber(text: string): string | undefined {
  // Far longer than any number with punctuation; what is longer is not worth looking at.
  if (text.length > 64) return undefined
  const number = text.replaceAll(/[ ().-]/g, '')
  return e164.test(number) ? number : undefined
}
