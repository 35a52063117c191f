import { createHash, timingSafeEqual } from 'node:crypto'

/** SHA-256 as base64url: how every 256-bit random handle is stored (design decision 8). */
export const sha256 = (text: string): string => createHash('sha256').update(text).digest('base64url')

/** Compares without telling by time where two texts differ; lengths may differ. */
export function constantTimeEqual(left: string | Buffer, right: string | Buffer): boolean {
  const a = createHash('sha256').update(left).digest()
  const b = createHash('sha256').update(right).digest()
  return timingSafeEqual(a, b)
}
