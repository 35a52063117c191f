import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout } from 'node:timers/promises'
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey } from 'jose'

interface Grant {
  readonly clientId: string
  readonly nonce: string | null
  readonly codeChallenge: string | null
  readonly redirectUri: string | null
}

/** What a test can make the server do. */
interface Behaviour {
  sub: string
  /** Answers the authorization request with this error. */
  authorizationError?: { error: string; error_description: string } | undefined
  /** Signs ID tokens with a key that is not the published one. */
  forgeSignature: boolean
  nonce?: string | undefined
  /** Answers refreshes with `invalid_grant`. */
  refuseRefresh: boolean
  refreshDelayMs: number
  refuseUserInfo: boolean
}

export interface StandInServer extends AsyncDisposable {
  readonly issuer: string
  readonly behaviour: Behaviour
  /** Requests to the token endpoint, in order. */
  readonly tokenRequests: URLSearchParams[]
}

/** An authorization server of its own small kind, on the loopback address: what the demo needs and no more. */
export async function startStandInServer(): Promise<StandInServer> {
  const keys = { published: await generateKeyPair('ES256'), other: await generateKeyPair('ES256') }
  const jwks = { keys: [{ ...(await exportJWK(keys.published.publicKey)), kid: 'k1', alg: 'ES256', use: 'sig' }] }
  const behaviour: Behaviour = {
    sub: 'sub-ada',
    forgeSignature: false,
    refuseRefresh: false,
    refreshDelayMs: 0,
    refuseUserInfo: false,
  }
  const tokenRequests: URLSearchParams[] = []
  const grants = new Map<string, Grant>()
  let serial = 0

  const sign = (claims: Record<string, unknown>, key: CryptoKey) =>
    new SignJWT({ iss: issuer, sub: behaviour.sub, jti: `j${serial++}`, ...claims })
      .setProtectedHeader({ alg: 'ES256', kid: 'k1' })
      .setIssuedAt()
      .setExpirationTime('1h')
      .sign(key)

  const tokens = async (grant: Grant) => {
    const refreshToken = `opaque-refresh-${serial++}`
    grants.set(refreshToken, grant)
    const key = behaviour.forgeSignature ? keys.other.privateKey : keys.published.privateKey
    return {
      token_type: 'Bearer',
      expires_in: 3600,
      access_token: await sign({ client_id: grant.clientId, token_use: 'access' }, keys.published.privateKey),
      id_token: await sign(
        { aud: grant.clientId, nonce: behaviour.nonce ?? grant.nonce, name: 'Ada <b>', email: 'ada@example.com' },
        key,
      ),
      refresh_token: refreshToken,
    }
  }

  const endpoints: Record<string, (request: IncomingMessage, url: URL, response: ServerResponse) => unknown> = {
    '/pool/.well-known/openid-configuration': (_request, _url, response) =>
      json(response, 200, {
        issuer,
        authorization_endpoint: `${issuer}/authorize`,
        token_endpoint: `${issuer}/token`,
        userinfo_endpoint: `${issuer}/userInfo`,
        end_session_endpoint: `${issuer}/logout`,
        jwks_uri: `${issuer}/jwks`,
        id_token_signing_alg_values_supported: ['ES256'],
      }),
    '/pool/jwks': (_request, _url, response) => json(response, 200, jwks),
    '/pool/authorize': (_request, { searchParams }, response) => {
      const back = new URL(searchParams.get('redirect_uri')!)
      back.searchParams.set('state', searchParams.get('state')!)
      if (behaviour.authorizationError === undefined) {
        const code = `code-${serial++}`
        grants.set(code, {
          clientId: searchParams.get('client_id')!,
          nonce: searchParams.get('nonce'),
          codeChallenge: searchParams.get('code_challenge'),
          redirectUri: searchParams.get('redirect_uri'),
        })
        back.searchParams.set('code', code)
      } else {
        for (const [name, value] of Object.entries(behaviour.authorizationError)) back.searchParams.set(name, value)
      }
      response.writeHead(302, { Location: back.href }).end()
    },
    '/pool/token': async (request, _url, response) => {
      const form = new URLSearchParams(await text(request))
      tokenRequests.push(form)
      const refreshing = form.get('grant_type') === 'refresh_token'
      if (refreshing) await setTimeout(behaviour.refreshDelayMs)
      const handle = form.get(refreshing ? 'refresh_token' : 'code') ?? ''
      const grant = grants.get(handle)
      grants.delete(handle)
      const proven =
        refreshing ||
        (grant?.codeChallenge === s256(form.get('code_verifier') ?? '') &&
          grant.redirectUri === form.get('redirect_uri'))
      if (grant === undefined || !proven || grant.clientId !== form.get('client_id') || behaviour.refuseRefresh) {
        return json(response, 400, { error: 'invalid_grant', error_description: 'Refresh Token has been revoked' })
      }
      return json(response, 200, await tokens(grant))
    },
    '/pool/userInfo': (_request, _url, response) => {
      if (!behaviour.refuseUserInfo) return json(response, 200, { sub: behaviour.sub, email: 'ada@example.com' })
      response.setHeader('WWW-Authenticate', 'Bearer error="invalid_token", error_description="Access token revoked"')
      return json(response, 401, {})
    },
  }

  const server = createServer((request, response) => {
    const url = new URL(request.url!, 'http://127.0.0.1')
    const endpoint = endpoints[url.pathname]
    if (endpoint === undefined) response.writeHead(404).end()
    else void endpoint(request, url, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}/pool`
  return {
    issuer,
    behaviour,
    tokenRequests,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body))
}

const s256 = (verifier: string): string => createHash('sha256').update(verifier).digest('base64url')
