import { addSeconds } from '../../platform/clock.ts'
import { sha256 } from '../../security/digest.ts'
import type { DomainServices } from '../ports/services.ts'
import type { User } from '../users/user.ts'
import { validSeconds } from '../verification-codes/issue-code.ts'

/*
 * The link beside a code to sign in with. All that it says is sealed in it: whose it is, which browser asked for it and what
 * waits there. Nobody guesses it, so nothing has to be locked (threat row B15). It is good once, and not after its code.
 */

/** Where links lead, and what asked. Built from configured origins only (threat row E1). */
export interface SignInLinkOrigin {
  /** Absolute address of the page. */
  signInLinkUrl: string
  clientId: string
  /** SHA-256 of the browser's own handle. */
  browserHash: string
  /** The flow that waits in that browser. */
  flowId: string
}

/** What a link says. */
export interface SignInLink {
  userPoolId: string
  clientId: string
  userSub: string
  browserHash: string
  flowId: string
  codeHash: string
  /** Of all that ends it: the address, the password, a sign-out everywhere. */
  ends: string
  /** ISO 8601. */
  expiresAt: string
}

const purpose = 'sign-in link'

type Services = Pick<DomainServices, 'sealedBox'>
type Ending = Pick<User, 'attributes' | 'passwordHash' | 'signedOutAt' | 'status'>

const endsOf = ({ attributes, passwordHash = '', signedOutAt, status }: Ending): string =>
  sha256(JSON.stringify([attributes['email'] ?? '', passwordHash, signedOutAt?.toISOString() ?? '', status]))

/** Goes to the user's e-mail address, and to no other. */
export function makeSignInLink(
  { sealedBox }: Services,
  origin: SignInLinkOrigin,
  user: Ending & Pick<User, 'userPoolId' | 'sub'>,
  codeHash: string,
  at: Date,
): string {
  const { signInLinkUrl, clientId, browserHash, flowId } = origin
  const link: SignInLink = {
    userPoolId: user.userPoolId,
    clientId,
    userSub: user.sub,
    browserHash,
    flowId,
    codeHash,
    ends: endsOf(user),
    expiresAt: addSeconds(at, validSeconds.sign_in).toISOString(),
  }
  const query = new URLSearchParams({ client_id: clientId, token: sealedBox.seal(JSON.stringify(link), purpose) })
  return `${signInLinkUrl}?${query.toString()}`
}

/** What the link of this pool and client says, if it is one of ours. */
export function openSignInLink(
  { sealedBox }: Services,
  where: { userPoolId: string; clientId: string },
  token: string,
): SignInLink | undefined {
  try {
    const link = JSON.parse(sealedBox.open(token, purpose)) as SignInLink
    return link.userPoolId === where.userPoolId && link.clientId === where.clientId ? link : undefined
  } catch {
    return undefined
  }
}

/** Whether it is still good for this very user, as they are now. */
export const isOpenFor = (link: SignInLink, user: Ending, at: Date): boolean =>
  link.ends === endsOf(user) && new Date(link.expiresAt) > at

/** What is remembered of one that was used, or whose code was. */
export const usedLinkHash = ({ userSub, codeHash }: Pick<SignInLink, 'userSub' | 'codeHash'>): string =>
  sha256(JSON.stringify(['sign-in link', userSub, codeHash]))
