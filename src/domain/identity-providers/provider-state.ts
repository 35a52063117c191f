import { addSeconds } from '../../platform/clock.ts'
import { constantTimeEqual, sha256 } from '../../security/digest.ts'
import type { ProviderRequest } from '../ports/identity-provider-connector.ts'
import type { DomainServices } from '../ports/services.ts'
import type { UserPool } from '../user-pools/user-pool.ts'
import { providerNamed } from './find-provider.ts'
import type { IdentityProvider } from './identity-provider.ts'

/*
 * What goes to a provider as `state` and comes back: sealed, since it says which flow goes on and how; bound to the browser, and good
 * once (threat rows A5, A12, C10).
 */

/** For as long as a person may be busy at a provider. */
const stateSeconds = 3600

const purpose = 'identity provider state'

/** A sign-in, or an account that is to be linked to the one that somebody is signed in to. */
export type ProviderPurpose =
  { kind: 'signIn'; flowId: string } | { kind: 'link'; userSub: string; sessionUid: string; clientId: string }

interface ProviderState {
  userPoolId: string
  provider: string
  purpose: ProviderPurpose
  nonce: string
  codeVerifier: string
  maxAge?: number
  /** SHA-256 of the browser's own cookie. */
  browserHash: string
  /** ISO 8601. */
  expiresAt: string
}

export interface BeginRequest {
  userPool: UserPool
  provider: IdentityProvider
  purpose: ProviderPurpose
  redirectUri: string
  /** The browser's own cookie. */
  browser: string
  maxAge?: number | undefined
  prompt?: string | undefined
  loginHint?: string | undefined
}

/** Where the browser goes to sign in at the provider. @throws ProviderFailure */
export function beginAtProvider(
  { random, clock, sealedBox, connector }: Pick<DomainServices, 'random' | 'clock' | 'sealedBox' | 'connector'>,
  { userPool, provider, purpose: what, redirectUri, browser, maxAge, prompt, loginHint }: BeginRequest,
): Promise<string> {
  const state: ProviderState = {
    userPoolId: userPool.id,
    provider: provider.name,
    purpose: what,
    nonce: random.handle(),
    codeVerifier: random.handle(),
    ...(maxAge === undefined ? {} : { maxAge }),
    browserHash: sha256(browser),
    expiresAt: addSeconds(clock.now(), stateSeconds).toISOString(),
  }
  const sealed = sealedBox.seal(JSON.stringify(state), purpose)
  const { nonce, codeVerifier } = state
  return connector.begin(provider, { redirectUri, state: sealed, nonce, codeVerifier, maxAge }, { prompt, loginHint })
}

/** What a provider's answer belongs to. */
export interface OpenedState {
  provider: IdentityProvider
  purpose: ProviderPurpose
  request: Omit<ProviderRequest, 'redirectUri'>
  /** Uses it up; false when it was. */
  spend(): Promise<boolean>
}

/** Undefined: it is not one of ours, of this pool and this browser, or too old; or the pool has the provider no more. */
export function openProviderState(
  { sealedBox, clock, store }: Pick<DomainServices, 'sealedBox' | 'clock' | 'store'>,
  userPool: UserPool,
  browser: string | undefined,
  sealed: string,
): OpenedState | undefined {
  const state = unseal(sealedBox, sealed)
  if (state?.userPoolId !== userPool.id || browser === undefined) return undefined
  const expiresAt = new Date(state.expiresAt)
  if (!constantTimeEqual(state.browserHash, sha256(browser)) || expiresAt <= clock.now()) return undefined
  const provider = providerNamed(userPool, state.provider)
  if (provider === undefined) return undefined
  const { purpose: what, nonce, codeVerifier, maxAge } = state
  return {
    provider,
    purpose: what,
    request: { state: sealed, nonce, codeVerifier, maxAge },
    spend: () => store.oneTime.spend(userPool.id, sha256(nonce), expiresAt),
  }
}

function unseal(sealedBox: DomainServices['sealedBox'], sealed: string): ProviderState | undefined {
  try {
    return JSON.parse(sealedBox.open(sealed, purpose)) as ProviderState
  } catch {
    return undefined
  }
}
