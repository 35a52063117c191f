import { createHash, randomBytes } from 'node:crypto'

/** An app client of the test configuration, and what an authorization request of it needs. */
export interface AuthorizationRequest {
  url: string
  codeVerifier: string
  state: string
  nonce: string
}

/** Builds an authorization request with PKCE as an app would; `parameters` add to it or, when undefined, take away. */
export function authorizationRequest(
  base: string,
  parameters: Record<string, string | undefined>,
): AuthorizationRequest {
  const codeVerifier = randomBytes(32).toString('base64url')
  const state = randomBytes(8).toString('base64url')
  const nonce = randomBytes(8).toString('base64url')
  const query = new URLSearchParams()
  const all: Record<string, string | undefined> = {
    response_type: 'code',
    state,
    nonce,
    code_challenge: createHash('sha256').update(codeVerifier).digest('base64url'),
    code_challenge_method: 'S256',
    ...parameters,
  }
  for (const [name, value] of Object.entries(all)) if (value !== undefined) query.set(name, value)
  return { url: `${base}/oauth2/authorize?${query.toString()}`, codeVerifier, state, nonce }
}

export interface TokenResponse {
  status: number
  body: {
    access_token?: string
    id_token?: string
    refresh_token?: string
    expires_in?: number
    token_type?: string
    scope?: string
    error?: string
    error_description?: string
    error_message?: string
  }
  headers: Headers
}

export async function requestTokens(
  base: string,
  form: Record<string, string>,
  headers: Record<string, string> = {},
): Promise<TokenResponse> {
  const response = await fetch(`${base}/oauth2/token`, { method: 'POST', body: new URLSearchParams(form), headers })
  return { status: response.status, body: (await response.json()) as TokenResponse['body'], headers: response.headers }
}

/** Payload of a JWT, unverified. */
export const decode = (token: string | undefined): Record<string, unknown> =>
  JSON.parse(Buffer.from((token ?? '').split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>

export const basic = (clientId: string, secret: string): string =>
  `Basic ${Buffer.from(`${encodeURIComponent(clientId)}:${encodeURIComponent(secret)}`).toString('base64')}`
