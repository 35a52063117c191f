import type { IdentityProvider } from '../identity-providers/identity-provider.ts'

/** What a sign-in at a provider is begun with; all but `redirectUri` comes back or is checked at its end. */
export interface ProviderRequest {
  /** Ours, of the domain that the person is at. */
  redirectUri: string
  state: string
  nonce: string
  codeVerifier: string
  /** Seconds since the person has shown the provider who they are, at most. */
  maxAge?: number | undefined
}

/** What a provider says of somebody, every signature, time and name in it checked. */
export interface ProviderAnswer {
  /** `sub` there. */
  subject: string
  /** As InboundFederation gets them (reference: triggers §13). */
  idToken: Readonly<Record<string, unknown>>
  userInfo: Readonly<Record<string, unknown>>
  /** Without the tokens themselves. */
  tokenResponse: Readonly<Record<string, unknown>>
}

/** Speaks with identity providers. Not to be asked inside a transaction. */
export interface IdentityProviderConnector {
  /** Where the browser goes. @throws ProviderFailure */
  begin(
    provider: IdentityProvider,
    request: ProviderRequest,
    hints: { prompt?: string | undefined; loginHint?: string | undefined },
  ): Promise<string>
  /** @param query what the browser has brought back @throws ProviderFailure */
  finish(provider: IdentityProvider, request: ProviderRequest, query: URLSearchParams): Promise<ProviderAnswer>
}

/** Why a sign-in at a provider came to nothing. The message is for operators, and holds nothing secret. */
export class ProviderFailure extends Error {
  override readonly name = 'ProviderFailure'
  /** `denied`: the provider, or the person there, said no; `away`: it may work in a moment; `invalid`: what it says is not to be believed. */
  readonly kind: 'denied' | 'away' | 'invalid'

  constructor(kind: ProviderFailure['kind'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.kind = kind
  }
}
