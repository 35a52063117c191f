import { record, responseOf } from '../audit/record.ts'
import type { ProviderAnswer, ProviderFailure } from '../ports/identity-provider-connector.ts'
import type { DomainServices } from '../ports/services.ts'
import type { LimitExceeded } from '../rate-limits/rate-limits.ts'
import { continueSignIn } from '../sign-in/advance.ts'
import type { Challenged, SignedIn, SignInContext } from '../sign-in/advance.ts'
import { signInTime } from '../sign-in/sign-in-time.ts'
import { inboundFederation } from '../triggers/inbound-federation.ts'
import { postConfirmation, preAuthentication, preSignUp } from '../triggers/user-triggers.ts'
import type { User } from '../users/user.ts'
import { addFederatedUser } from './add-federated-user.ts'
import { federated, federatedEnough } from './identity-provider.ts'
import type { IdentityProvider } from './identity-provider.ts'
import { mapAttributes } from './map-attributes.ts'
import type { Claims } from './map-attributes.ts'

export interface FederatedSignInRequest extends SignInContext {
  provider: IdentityProvider
  answer: ProviderAnswer
}

export type FederatedRefusal =
  | { kind: 'refused'; reason: 'attributesMissing' | 'attributesInvalid'; attributes: readonly string[] }
  | { kind: 'refused'; reason: 'usernameExists' | 'userDisabled' }

/** `isNew`: the account has just come into being. */
export type FederatedSignInOutcome = ((SignedIn | Challenged) & { isNew: boolean }) | LimitExceeded | FederatedRefusal

/**
 * Signs in whom a provider has vouched for: the user that the account there leads to, by issuer and subject and by nothing else, or a
 * new one. No address ever leads to an account (threat rows A2, A3); what the pool asks for beside a first factor comes after it
 * as after any other (threat row B12).
 * @throws TriggerFailure
 */
export async function signInByProvider(
  services: DomainServices,
  request: FederatedSignInRequest,
): Promise<FederatedSignInOutcome> {
  const { provider, answer } = request
  const claims = await inboundFederation(services, request, provider, answer)
  const known = await findUser(services, request)
  const came =
    known === undefined ? await comeForTheFirstTime(services, request, claims) : { user: known, isNew: false }
  if ('kind' in came) return told(services, request, undefined, came)
  const { isNew } = came
  const user = isNew ? came.user : await comeAgain(services, request, came.user, claims)
  if ('kind' in user) return told(services, request, came.user, user)
  const amr = provider.requiresMfa ? [federated] : [federated, federatedEnough]
  const outcome = await continueSignIn(services, request, {
    user,
    amr,
    startedAt: signInTime(user, services.clock.now()),
  })
  // A challenge is put on record where it begins.
  if (outcome.kind === 'challenge') return { ...outcome, isNew }
  await told(services, request, user, outcome)
  return outcome.kind === 'done' ? { ...outcome, isNew } : outcome
}

const identityOf = ({ provider, answer }: Pick<FederatedSignInRequest, 'provider' | 'answer'>) => ({
  providerName: provider.name,
  issuer: provider.issuer,
  userId: answer.subject,
})

async function findUser(
  { store }: Pick<DomainServices, 'store'>,
  request: FederatedSignInRequest,
): Promise<User | undefined> {
  const userSub = await store.identities.find(request.userPool.id, identityOf(request))
  return userSub === undefined ? undefined : store.users.findBySub(request.userPool.id, userSub)
}

/** What the provider says of them now takes the place of what it said before. */
async function comeAgain(
  services: DomainServices,
  request: FederatedSignInRequest,
  user: User,
  claims: Claims,
): Promise<User | FederatedRefusal> {
  const { userPool, provider } = request
  await preAuthentication(services, request, user, user.username)
  if (!user.enabled) return { kind: 'refused', reason: 'userDisabled' }
  const mapped = mapAttributes(userPool, provider, claims, user)
  if (!mapped.ok) return refusedFor(mapped)
  const changed = Object.entries(mapped.attributes).filter(([name, value]) => user.attributes[name] !== value)
  if (changed.length === 0) return user
  const attributes = Object.fromEntries(changed)
  await services.store.users.update(userPool.id, user.sub, { attributes }, services.clock.now())
  return { ...user, attributes: { ...user.attributes, ...attributes } }
}

async function comeForTheFirstTime(
  services: DomainServices,
  request: FederatedSignInRequest,
  claims: Claims,
): Promise<{ user: User; isNew: boolean } | FederatedRefusal> {
  const { userPool, provider, answer } = request
  const mapped = mapAttributes(userPool, provider, claims, undefined)
  if (!mapped.ok) return refusedFor(mapped)
  const username = `${provider.name}_${answer.subject}`
  await preSignUp(services, request, { username, attributes: mapped.attributes }, 'ExternalProvider')
  const added = await addFederatedUser(services, {
    userPool,
    provider,
    identity: identityOf(request),
    username,
    attributes: mapped.attributes,
    clientId: request.appClient.id,
  })
  if (added !== undefined) {
    await postConfirmation(services, request, 'ConfirmSignUp', added)
    return { user: added, isNew: true }
  }
  // The trigger has linked it, or they have come by two tabs at once.
  const user = await findUser(services, request)
  return user === undefined ? { kind: 'refused', reason: 'usernameExists' } : { user, isNew: false }
}

const refusedFor = (mapped: { problem: 'missing' | 'invalid'; attributes: readonly string[] }): FederatedRefusal => ({
  kind: 'refused',
  reason: mapped.problem === 'missing' ? 'attributesMissing' : 'attributesInvalid',
  attributes: mapped.attributes,
})

/** A sign-in that a provider has brought to nothing, with what the operator has to know; the same once a minute. */
export async function recordProviderFailure(
  services: DomainServices,
  { userPool, appClient, provider }: Pick<FederatedSignInRequest, 'userPool' | 'appClient' | 'provider'>,
  failure: ProviderFailure,
): Promise<void> {
  const about = { provider: provider.name, problem: failure.message }
  if (services.repeats.isRepeat(JSON.stringify([userPool.id, failure.kind, about]))) return
  await record(services, services.store, {
    userPoolId: userPool.id,
    eventType: 'SignIn',
    clientId: appClient.id,
    response: 'Fail',
    reason: 'providerFailed',
    detail: about,
  })
}

/** Puts it on record. */
async function told<Outcome extends { kind: string; reason?: string }>(
  services: DomainServices,
  { userPool, appClient, provider }: FederatedSignInRequest,
  user: User | undefined,
  outcome: Outcome,
): Promise<Outcome> {
  await record(services, services.store, {
    userPoolId: userPool.id,
    eventType: 'SignIn',
    clientId: appClient.id,
    ...responseOf(outcome),
    userSub: user?.sub,
    detail: { provider: provider.name },
  })
  return outcome
}
