import { sha256, constantTimeEqual } from '../../security/digest.ts'
import type { DomainServices } from '../ports/services.ts'

/*
 * Challenges (WebAuthn §13.4.3) are not stored when a page is shown, only when they are used up: each says until when it is
 * good and is keyed to what it was made for. Used up in one statement, it is good once, on whatever server.
 */

const nonceBytes = 16
const endBytes = 6

/** What a challenge was made for, and for whom: good for nothing else. */
export type ChallengeSubject = readonly ['signIn' | 'secondFactor' | 'setUp' | 'add', ...whose: string[]]

type Services = Pick<DomainServices, 'sealedBox' | 'random' | 'clock'>

const macOf = ({ sealedBox }: Pick<Services, 'sealedBox'>, subject: ChallengeSubject, head: Buffer): Buffer =>
  Buffer.from(
    sealedBox.digest(JSON.stringify([...subject, head.toString('base64url')]), 'passkey challenge'),
    'base64url',
  )

/** @returns bytes, which the authenticator signs */
export function newChallenge(services: Services, subject: ChallengeSubject, seconds: number): Buffer {
  const end = Buffer.alloc(endBytes)
  end.writeUIntBE(services.clock.now().getTime() + seconds * 1000, 0, endBytes)
  const head = Buffer.concat([services.random.bytes(nonceBytes), end])
  return Buffer.concat([head, macOf(services, subject, head)])
}

/** Until when a challenge is good that was made for this; undefined: it was not, or not any more. */
export function challengeEnd(services: Services, subject: ChallengeSubject, challenge: string): Date | undefined {
  const bytes = Buffer.from(challenge, 'base64url')
  const headBytes = nonceBytes + endBytes
  if (bytes.length !== headBytes + 32) return undefined
  const head = bytes.subarray(0, headBytes)
  if (!constantTimeEqual(macOf(services, subject, head), bytes.subarray(headBytes))) return undefined
  const end = new Date(head.readUIntBE(nonceBytes, endBytes))
  return end > services.clock.now() ? end : undefined
}

/** What is stored of one that is used up. */
export const challengeHash = (challenge: string): string => sha256(challenge)
