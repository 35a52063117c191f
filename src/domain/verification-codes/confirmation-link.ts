import { constantTimeEqual } from '../../security/digest.ts'
import type { DomainServices } from '../ports/services.ts'

/** Where a sign-up came from; what a link to confirm it is made of. Built from configured origins only (threat row E1). */
export interface ConfirmationOrigin {
  /** Absolute address of the page that links lead to. */
  confirmUserUrl: string
  clientId: string
  /** SHA-256 of the browser's own handle. */
  browserHash: string
  /** The flow that waits in that browser. */
  flowId: string
}

/** Whose link it is: the parameters of its address, beside the code. */
interface LinkSubject {
  userPoolId: string
  clientId: string
  username: string
}

const partLength = 22 // of base64url: 132 bits

/**
 * The `confirmation_code` of a link: random, and signed for this very user and client. So a code that was never ours is
 * refused without a look at the database, and tells nothing of who has an account; and of one that was, we can say what
 * became of it although only the latest is stored.
 */
export function makeLinkCode(services: Pick<DomainServices, 'sealedBox' | 'random'>, subject: LinkSubject): string {
  const secret = services.random.handle().slice(0, partLength)
  return secret + signatureOf(services, subject, secret)
}

/** Whether we have made this code for this user and client, however long ago. */
export function isOurLinkCode(
  services: Pick<DomainServices, 'sealedBox'>,
  subject: LinkSubject,
  code: string,
): boolean {
  if (code.length !== 2 * partLength) return false
  return constantTimeEqual(signatureOf(services, subject, code.slice(0, partLength)), code.slice(partLength))
}

function signatureOf(services: Pick<DomainServices, 'sealedBox'>, subject: LinkSubject, secret: string): string {
  const { userPoolId, clientId, username } = subject
  const text = JSON.stringify([userPoolId, clientId, username, secret])
  return services.sealedBox.digest(text, 'confirmation link').slice(0, partLength)
}

/** How the code of a link is stored; never equal to the hash of a code that is typed. */
export const linkCodeHash = (services: Pick<DomainServices, 'sealedBox'>, userSub: string, code: string): string =>
  services.sealedBox.digest(`${userSub}\n${code}`, 'stored confirmation link')

/** Cognito's address of such a link (reference: hosted UI §2). */
export function linkWith(origin: ConfirmationOrigin, username: string, code: string): string {
  const query = new URLSearchParams({ client_id: origin.clientId, user_name: username, confirmation_code: code })
  return `${origin.confirmUserUrl}?${query.toString()}`
}
