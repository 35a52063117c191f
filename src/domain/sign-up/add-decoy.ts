import { maskDestination } from '../messages/email-address.ts'
import type { OutgoingMessage } from '../messages/message.ts'
import type { DomainServices } from '../ports/services.ts'
import type { NewUser } from '../ports/new-user.ts'
import type { Repositories } from '../ports/store.ts'
import type { UserPool } from '../user-pools/user-pool.ts'
import { lookupKey } from '../users/sign-in-name.ts'
import type { SignInName } from '../users/sign-in-name.ts'
import type { User } from '../users/user.ts'
import type { ConfirmationOrigin } from '../verification-codes/confirmation-link.ts'
import { goesByLink } from '../verification-codes/issue-code.ts'
import type { CodeDelivery } from '../verification-codes/issue-code.ts'
import { issueDecoyCode } from '../verification-codes/issue-decoy-code.ts'
import { attributeToProve } from './attribute-to-verify.ts'
import type { DecoyInForce, DecoySignUp } from './decoy-sign-up.ts'

/** What a sign-up says of itself, as far as a decoy needs it. */
interface DecoyRequest {
  userPool: UserPool
  languages: readonly string[]
  signInLink?: string | undefined
  earlierSub?: string | undefined
  origin?: ConfirmationOrigin | undefined
  /** As for `issueCode`. */
  withheld?: ReadonlySet<string> | undefined
}

/**
 * Keeps a sign-up whose address has an account already, in place of an earlier one, and answers as if the address were new
 * (decision 17).
 */
export async function addDecoy(
  services: DomainServices,
  tx: Repositories,
  taken: {
    request: DecoyRequest
    /** What would have been stored. */
    user: NewUser
    name: Extract<SignInName, { address: string }>
    holder: User | undefined
    /** The one that is there. */
    decoy: DecoySignUp | undefined
  },
): Promise<{ kind: 'confirm'; decoySub: string; delivery: CodeDelivery } | { kind: 'unconfirmed' }> {
  const { request, user, name, holder, decoy: earlier } = taken
  const { userPool } = request
  const { id: userPoolId } = userPool
  const made = decoyOf(services, userPool, user, name)
  const again =
    earlier !== undefined &&
    earlier.sub === request.earlierSub &&
    earlier.attributesDigest === made.attributesDigest &&
    (await tx.decoySignUps.setPassword(userPoolId, earlier.sub, made.passwordHash))
  const decoy = again ? earlier : made
  if (!again) {
    if (earlier !== undefined) await tx.decoySignUps.delete(userPoolId, earlier.sub)
    await tx.decoySignUps.replace(made)
  }
  const inForce = holder === undefined ? decoy : { ...decoy, account: holder }
  const delivery = await sendNothing(services, tx, inForce, { ...request, looksBack: again })
  if (delivery.kind === 'noRecovery') return { kind: 'unconfirmed' }
  return { kind: 'confirm', decoySub: decoy.sub, delivery: delivery.delivery }
}

function decoyOf(
  services: DomainServices,
  userPool: UserPool,
  user: NewUser,
  name: Extract<SignInName, { address: string }>,
): DecoySignUp {
  const { userPoolId, sub, attributes, passwordHash = '', createdAt } = user
  const attribute = attributeToProve(userPool, attributes, name.kind)
  const destination = attribute && attributes[attribute]
  const said = Object.entries(attributes).toSorted(([one], [other]) => (one < other ? -1 : 1))
  return {
    userPoolId,
    key: lookupKey(userPool, name.address),
    sub,
    kind: name.kind,
    address: name.address,
    passwordHash,
    attributesDigest: services.sealedBox.digest(JSON.stringify(said), 'attributes of a decoy'),
    ...(attribute === undefined || destination === undefined ? {} : { attribute, destination }),
    createdAt,
  }
}

export type DecoyDelivery =
  /** `now`: a code would have gone out with this request, and not a moment ago. */
  { kind: 'delivery'; now: boolean; delivery: CodeDelivery } | { kind: 'noRecovery' }

/**
 * Does what sends a code to a sign-up; what goes out, if anything, tells the owner of the address that there is an account.
 * @param request.looksBack where none goes out now, when the last one did is asked for, as its namesake would
 */
export async function sendNothing(
  services: DomainServices,
  tx: Repositories,
  decoy: DecoyInForce,
  request: DecoyRequest & { looksBack: boolean },
): Promise<DecoyDelivery> {
  const { userPool, languages, origin } = request
  const { userPoolId, sub: userSub, attribute, destination } = decoy
  if (attribute === undefined || destination === undefined) return { kind: 'noRecovery' }
  const at = services.clock.now()
  const whose = { userPoolId, userSub, username: decoy.address, languages }
  const code = { ...whose, purpose: 'sign_up', attribute, destination, at } as const
  const { withheld } = request
  const message =
    withheld?.has(decoy.address) === true ? undefined : accountExists(decoy, languages, request.signInLink)
  const now = withheld?.has(destination) !== true && (await issueDecoyCode(services, tx, code, message))
  const last = now || !request.looksBack ? undefined : await tx.decoyCodes.find(userPoolId, userSub, 'sign_up')
  const medium = attribute === 'email' ? 'EMAIL' : 'SMS'
  const byLink = goesByLink({ userPool, origin, purpose: 'sign_up', attribute })
  const delivery = {
    medium,
    destination: maskDestination(medium, destination),
    attribute,
    ...(byLink ? { byLink: true as const } : {}),
    sentAt: last?.sentAt ?? at,
  } as const
  return { kind: 'delivery', now, delivery }
}

/** For whoever reads the mail of that address; nothing for somebody who is switched off. */
function accountExists(
  { userPoolId, kind, address: recipient, account }: DecoyInForce,
  languages: readonly string[],
  link: string | undefined,
): OutgoingMessage | undefined {
  if (account?.enabled !== true) return undefined
  return {
    kind: 'accountExists',
    userPoolId,
    medium: kind === 'email' ? 'EMAIL' : 'SMS',
    recipient,
    languages,
    username: account.username,
    ...(link === undefined ? {} : { link }),
  }
}
