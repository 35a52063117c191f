import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { decodeJwt, exportJWK, generateKeyPair, SignJWT } from 'jose'
import type { JWK, JWTPayload } from 'jose'
import { Provider } from 'oidc-provider'

/*
 * Another identity provider: a real OpenID Connect server, whose sign-in page is one click. Whoever is named by `somebody` signs in there,
 * with the claims that they have.
 */

export interface Person {
  sub: string
  [claim: string]: unknown
}

export interface IdentityProviderServer {
  issuer: string
  /** Who signs in there from now on; undefined: they change their mind. */
  somebody(person: Person | undefined): void
  /** Alters what leaves it. */
  tamper(change: Tampering | undefined): void
  /** Puts another ID token into its answers: its own one's claims, changed, signed with its key unless `forge` says otherwise. */
  forgeIdToken(forge: (claims: JWTPayload, sign: Signer) => string | Promise<string>): void
  /** Requests that it has had, as `GET /path`. */
  requests: string[]
  /** Of the last authorization request. */
  asked: URLSearchParams
  /** Sends the browser on from its authorization endpoint to where it comes back to us. */
  signIn(authorizationUrl: string): Promise<URL>
  stop(): Promise<void>
}

export type Signer = (claims: JWTPayload, kid?: string) => Promise<string>

/** What the server says in place of its own answer. */
export type Tampering = (path: string, body: string) => string | Promise<string> | undefined

export const providerClient = { client_id: 'latchkey', client_secret: 'a-secret-between-the-two-of-us' }

/** @param redirectUris where browsers may be sent back to */
export async function startIdentityProvider(redirectUris: () => string[]): Promise<IdentityProviderServer> {
  let person: Person | undefined
  let tampering: Tampering | undefined
  const requests: string[] = []
  const { privateKey } = await generateKeyPair('RS256', { extractable: true })
  const jwk = { ...(await exportJWK(privateKey)), kid: 'theirs', alg: 'RS256', use: 'sig' }
  const sign: Signer = (claims, kid = 'theirs') =>
    new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid }).sign(privateKey)
  let handler: (request: IncomingMessage, response: ServerResponse) => void = () => undefined
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${(request.url ?? '').split('?')[0]}`)
    handler(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  let engine: ReturnType<typeof createEngine> | undefined
  const engineNow = () => (engine ??= createEngine(issuer, redirectUris(), () => person, jwk))
  handler = (request, response) => {
    const { end } = response
    const path = (request.url ?? '').split('?')[0] ?? ''
    // Every answer of its is one text.
    const held: typeof response.end = (...args: unknown[]) => {
      const text = Buffer.isBuffer(args[0]) ? args[0].toString('utf8') : typeof args[0] === 'string' ? args[0] : ''
      const changed = tampering?.(path, text)
      if (changed === undefined) return Reflect.apply(end, response, args) as ServerResponse
      void Promise.resolve(changed).then((body) => {
        response.setHeader('content-length', Buffer.byteLength(body))
        Reflect.apply(end, response, [body])
      })
      return response
    }
    response.end = held
    void engineNow().callback()(request, response)
  }
  const result: IdentityProviderServer = {
    issuer,
    somebody: (next) => void (person = next),
    tamper: (next) => void (tampering = next),
    forgeIdToken(forge) {
      tampering = async (path, body) => {
        if (path !== '/token') return body
        const answer = JSON.parse(body) as { id_token: string }
        return JSON.stringify({ ...answer, id_token: await forge(decodeJwt(answer.id_token), sign) })
      }
    },
    requests,
    asked: new URLSearchParams(),
    async signIn(authorizationUrl) {
      result.asked = new URL(authorizationUrl).searchParams
      return walk(new URL(authorizationUrl), issuer)
    },
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return result
}

function createEngine(issuer: string, redirectUris: string[], somebody: () => Person | undefined, jwk: JWK): Provider {
  const engine = new Provider(issuer, {
    clients: [{ ...providerClient, redirect_uris: redirectUris, token_endpoint_auth_method: 'client_secret_post' }],
    claims: { openid: ['sub'], profile: ['name', 'groups', 'picture', 'locale'], email: ['email', 'email_verified'] },
    scopes: ['openid', 'email', 'profile'],
    jwks: { keys: [jwk] },
    pkce: { required: () => true },
    features: { devInteractions: { enabled: false } },
    findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => ({ sub, ...people.get(sub) }) }),
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    async loadExistingGrant(ctx) {
      const grant = new ctx.oidc.provider.Grant({
        clientId: ctx.oidc.client!.clientId,
        accountId: ctx.oidc.session!.accountId!,
      })
      grant.addOIDCScope('openid email profile')
      await grant.save()
      return grant
    },
  })
  const people = new Map<string, Person>()
  engine.use(async (ctx, next) => {
    if (!ctx.path.startsWith('/interaction/')) return next()
    const person = somebody()
    if (person !== undefined) people.set(person.sub, person)
    const result = person === undefined ? { error: 'access_denied' } : { login: { accountId: person.sub } }
    await engine.interactionFinished(ctx.req, ctx.res, result)
    ctx.respond = false
  })
  return engine
}

/** A browser of its own, as far as its cookies go. */
async function walk(start: URL, issuer: string): Promise<URL> {
  const cookies = new Map<string, string>()
  let url = start
  for (let step = 0; step < 10 && url.origin === issuer; step += 1) {
    const response = await fetch(url, {
      redirect: 'manual',
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
    })
    for (const line of response.headers.getSetCookie()) {
      const [pair = ''] = line.split(';', 1)
      cookies.set(pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1))
    }
    const location = response.headers.get('location')
    if (location === null) throw new Error(`${url.href}: ${response.status} ${await response.text()}`)
    url = new URL(location, url)
  }
  return url
}
