import { constantTimeEqual } from './digest.ts'
import type { SealedBox } from './sealed-box.ts'

/**
 * The token of a form: bound to the browser's own cookie and to one flow, so that neither another site nor another
 * browser can post it.
 */
export const csrfToken = (sealedBox: SealedBox, browserHandle: string, subject: string): string =>
  sealedBox.digest(`${browserHandle}\n${subject}`, 'csrf')

export function csrfMatches(sealedBox: SealedBox, browserHandle: string, subject: string, token: string): boolean {
  return constantTimeEqual(csrfToken(sealedBox, browserHandle, subject), token)
}
