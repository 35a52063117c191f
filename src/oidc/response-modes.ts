import { errors } from 'oidc-provider'
import type Provider from 'oidc-provider'
import type { KoaContextWithOIDC } from 'oidc-provider'
import type { DomainServices } from '../domain/ports/services.ts'
import { redeemImplicitly } from '../domain/tokens/redeem-implicitly.ts'
import type { UserPoolSnapshot } from '../domain/user-pools/user-pool-directory.ts'
import { askedBy } from '../platform/http/caller.ts'
import { unlessDenied } from './trigger-errors.ts'

/*
 * How an authorization answer travels (OAuth 2.0 Multiple Response Types §2.1, Form Post Response Mode). The engine only
 * ever runs the code flow: an implicit request reaches it as one, and what is asked for in truth stands in its
 * `response_mode`, in names that no request may send.
 */

/** `none` (OAuth 2.0 Multiple Response Types §4): for the pages of an account, which want a signed-in browser and no more. */
export type ResponseType = 'code' | 'token' | 'none'
export type ResponseMode = 'query' | 'fragment' | 'form_post'

export interface AuthorizationAnswer {
  mode: ResponseMode
  /** A registered one. */
  redirectUri: string
  parameters: Readonly<Record<string, string>>
}

/** Shows the page whose form posts the answer to the app. */
export type ShowFormPost = (ctx: KoaContextWithOIDC, answer: AuthorizationAnswer) => void

/** Where on the account's pages an answer leads that is for them: `state` names the page, `error` says why nobody is signed in. */
export type AccountUrl = (ctx: KoaContextWithOIDC, answer: Readonly<Record<string, string>>) => string

export const isResponseMode = (mode: string): mode is ResponseMode => ['query', 'fragment', 'form_post'].includes(mode)

/** Tokens never travel in a query, where logs and Referer headers would have them. */
export const defaultModes: Readonly<Record<ResponseType, ResponseMode>> = {
  code: 'query',
  token: 'fragment',
  none: 'query',
}

const engineModes: readonly { name: string; type: ResponseType; mode: ResponseMode }[] = [
  { name: 'query', type: 'code', mode: 'query' },
  { name: 'fragment', type: 'code', mode: 'fragment' },
  { name: 'code.form_post', type: 'code', mode: 'form_post' },
  { name: 'token.fragment', type: 'token', mode: 'fragment' },
  { name: 'token.form_post', type: 'token', mode: 'form_post' },
  { name: 'none.query', type: 'none', mode: 'query' },
]

/** What the engine is told in place of the two parameters. */
export function engineResponse(
  type: ResponseType,
  mode: ResponseMode,
): { response_type: string; response_mode: string } {
  const known = engineModes.find((entry) => entry.type === type && entry.mode === mode)
  if (known === undefined) throw new Error(`no answer to ${type} by ${mode}`)
  return { response_type: 'code', response_mode: known.name }
}

/** What the app asked for, of parameters as the engine has them. */
export function askedResponse(engineMode: unknown): { response_type: ResponseType; response_mode: ResponseMode } {
  const known = engineModes.find(({ name }) => name === engineMode)
  return { response_type: known?.type ?? 'code', response_mode: known?.mode ?? 'query' }
}

/** PKCE protects a code on its way to the app; an implicit answer carries none. */
export const carriesCode = (engineMode: unknown): boolean => askedResponse(engineMode).response_type === 'code'

/** Where the answer is by redirect; one by form has no address. */
export function answerLocation({ mode, redirectUri, parameters }: AuthorizationAnswer): string {
  const location = new URL(redirectUri)
  if (mode === 'fragment') location.hash = new URLSearchParams(parameters).toString()
  else for (const [name, value] of Object.entries(parameters)) location.searchParams.set(name, value)
  return location.href
}

/** Teaches the engine the modes that it does not have; for success and for errors. */
export function registerResponseModes(
  provider: Provider,
  services: DomainServices,
  snapshot: UserPoolSnapshot,
  callbacks: { showFormPost: ShowFormPost; accountUrl: AccountUrl },
): void {
  for (const { name, type, mode } of engineModes) {
    if (name === mode) continue
    provider.registerResponseMode(name, async (ctx, redirectUri, out) => {
      const engineAnswer = out as Readonly<Record<string, string>>
      // The code stays where it is, unknown to anybody, until it expires.
      if (type === 'none') return leadTo(ctx, callbacks.accountUrl(ctx, engineAnswer))
      const parameters = type === 'token' ? await implicitAnswer(services, snapshot, ctx, engineAnswer) : engineAnswer
      const answer = { mode, redirectUri, parameters }
      if (mode === 'form_post') return callbacks.showFormPost(ctx, answer)
      leadTo(ctx, answerLocation(answer))
    })
  }
}

/** Not ctx.redirect, which writes the address, and so the tokens, into a body as well. */
function leadTo(ctx: KoaContextWithOIDC, location: string): void {
  ctx.status = 303
  ctx.set('Location', location)
  ctx.body = null
  ctx.status = 303
}

/** RFC 6749 §4.2.2 and Cognito: the tokens in place of the code, and no refresh token. An error stays as it is. */
async function implicitAnswer(
  services: DomainServices,
  snapshot: UserPoolSnapshot,
  ctx: KoaContextWithOIDC,
  { code, ...rest }: Readonly<Record<string, string>>,
): Promise<Readonly<Record<string, string>>> {
  if (code === undefined) return rest
  const appClient = snapshot.appClients.get(ctx.oidc.client?.clientId ?? '')
  const asking = askedBy(services, ctx.req)
  const tokens = appClient && (await unlessDenied(redeemImplicitly(asking, snapshot, appClient, code)))
  if (tokens === undefined) throw new errors.AccessDenied('the user may not sign in any more')
  return {
    ...(tokens.idToken === undefined ? {} : { id_token: tokens.idToken }),
    access_token: tokens.accessToken,
    token_type: 'Bearer',
    expires_in: String(tokens.expiresIn),
    ...rest,
  }
}
