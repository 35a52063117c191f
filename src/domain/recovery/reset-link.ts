import { addSeconds, epochSeconds } from '../../platform/clock.ts'
import { constantTimeEqual } from '../../security/digest.ts'
import type { DomainServices } from '../ports/services.ts'
import type { User } from '../users/user.ts'

/*
 * The link beside the code of a forgotten password: nobody guesses it, so nothing has to be locked, and no stranger keeps
 * the owner of the mailbox out (threat row B15). Nothing is stored of it. It is signed over all that a new password, a
 * sign-out everywhere or another address changes, and so ends with each of them, and works once.
 */

/** As long as the messages to one address are counted: with the last of a day its owner gets in. */
export const resetLinkSeconds = 24 * 3600

/** Where links lead. Built from configured origins only (threat row E1). */
export interface ResetLinkOrigin {
  /** Absolute address of the page. */
  resetLinkUrl: string
  clientId: string
}

/** The parameters of a link, as they were sent. */
export interface ResetLink {
  clientId: string
  userSub: string
  /** Seconds since 1970. */
  expires: string
  signature: string
}

type Signed = Pick<User, 'userPoolId' | 'sub' | 'attributes' | 'passwordHash' | 'signedOutAt' | 'status'>
type Services = Pick<DomainServices, 'sealedBox'>

/** Goes to the user's e-mail address, and to no other. */
export function makeResetLink(services: Services, origin: ResetLinkOrigin, user: Signed, at: Date): string {
  const { clientId, resetLinkUrl } = origin
  const expires = String(epochSeconds(addSeconds(at, resetLinkSeconds)))
  const signature = signatureOf(services, { clientId, expires }, user)
  const query = new URLSearchParams({ client_id: clientId, user: user.sub, expires, signature })
  return `${resetLinkUrl}?${query.toString()}`
}

/** Whether it is one of ours for this very user, as they are now, and is not too old. */
export function isResetLink(services: Services, link: ResetLink, user: Signed, at: Date): boolean {
  const isRight = constantTimeEqual(signatureOf(services, link, user), link.signature)
  return isRight && Number(link.expires) > epochSeconds(at)
}

function signatureOf({ sealedBox }: Services, link: Pick<ResetLink, 'clientId' | 'expires'>, user: Signed): string {
  const { userPoolId, sub, attributes, passwordHash = '', signedOutAt, status } = user
  const ends = [attributes['email'] ?? '', passwordHash, signedOutAt?.toISOString() ?? '', status]
  return sealedBox.digest(JSON.stringify([userPoolId, sub, link.clientId, link.expires, ...ends]), 'reset link')
}
