import type { ErrorOut, KoaContextWithOIDC } from 'oidc-provider'
import { isRegisteredUri } from '../domain/app-clients/redirect-uri.ts'
import type { DomainServices } from '../domain/ports/services.ts'
import { showErrorPage } from '../hosted/error/error.page.ts'
import type { ErrorKey } from '../hosted/error/error.page.ts'
import { showFormPostPage } from '../hosted/form-post/form-post.page.ts'
import type { HostedServices } from '../hosted/hosted-services.ts'
import { pagePaths } from '../hosted/paths.ts'
import { redirect } from '../hosted/step.ts'
import { showQuery, tenantOf } from '../oidc/engine-internals.ts'
import { startFlow } from '../oidc/start-flow.ts'
import { isTokenEndpoint } from '../oidc/paths.ts'
import type { EngineCallbacks } from '../oidc/provider-configuration.ts'
import { answerLocation, askedResponse } from '../oidc/response-modes.ts'
import type { AuthorizationAnswer } from '../oidc/response-modes.ts'
import { secondsToWait } from './request-errors.ts'

/** Which of our pages stands for an error that the engine would show: no HTML of its own reaches a browser. */
const pages: Readonly<Record<string, { key: ErrorKey; status: number }>> = {
  SessionNotFound: { key: 'expired', status: 400 },
  InvalidRedirectUri: { key: 'redirectMismatch', status: 400 },
  InvalidClient: { key: 'unknownClient', status: 400 },
}

const failures = { broken: { key: 'server', status: 500 }, away: { key: 'busy', status: 503 } } as const

/**
 * With `prompt=none` nobody looks: the page that asks in silence would wait for an answer that never comes. So a fault of
 * ours goes to the app, at an address that has been checked before (RFC 6749 §4.1.2.1, Cognito's `server_error`).
 */
function silentAnswer(ctx: KoaContextWithOIDC, out: ErrorOut): AuthorizationAnswer | undefined {
  // The session is read before the parameters.
  const { client_id: clientId, prompt, redirect_uri: redirectUri, response_mode: mode } = ctx.oidc.params ?? ctx.query
  const appClient = tenantOf(ctx.req).snapshot.appClients.get(String(clientId))
  if (prompt !== 'none' || typeof redirectUri !== 'string') return undefined
  if (!isRegisteredUri(appClient?.callbackUrls ?? [], redirectUri)) return undefined
  return { mode: askedResponse(mode).response_mode, redirectUri, parameters: texts(out) }
}

const texts = (members: object): Record<string, string> =>
  Object.fromEntries(Object.entries(members).filter((entry): entry is [string, string] => typeof entry[1] === 'string'))

const accountUrl: EngineCallbacks['accountUrl'] = (ctx, { state, error }) => {
  const query = new URLSearchParams({
    client_id: ctx.oidc.client?.clientId ?? '',
    ...(state === undefined ? {} : { page: state }),
    answer: error ?? 'signed_in',
  })
  return `${tenantOf(ctx.req).basePath}${pagePaths.account}?${query.toString()}`
}

export function engineCallbacks(domain: DomainServices, hosted: () => HostedServices): EngineCallbacks {
  const showFormPost: EngineCallbacks['showFormPost'] = (ctx, answer) => {
    Object.assign(ctx.state, { tenant: tenantOf(ctx.req) })
    showFormPostPage(hosted(), ctx, texts(ctx.oidc.params ?? {}), answer)
  }
  return {
    secondsToWait,
    startFlow: (ctx, interaction) => startFlow(domain, ctx, interaction),
    showFormPost,
    accountUrl,
    renderError(ctx, out, error) {
      if (isTokenEndpoint(ctx.path)) {
        ctx.body = out
        return
      }
      const failed = out.error === 'server_error'
      const wait = secondsToWait(error)
      // RFC 6749 §4.1.2.1
      const told = wait === undefined ? out : { ...out, error: 'temporarily_unavailable' }
      const silent = failed ? silentAnswer(ctx, told) : undefined
      if (silent?.mode === 'form_post') return showFormPost(ctx, silent)
      if (silent !== undefined) return redirect(ctx, answerLocation(silent))
      if (wait !== undefined) ctx.set('Retry-After', String(wait))
      const page = failed ? failures[wait === undefined ? 'broken' : 'away'] : pages[error.name]
      showQuery(ctx)
      Object.assign(ctx.state, { tenant: tenantOf(ctx.req) })
      showErrorPage(hosted(), ctx, page?.key ?? 'invalidRequest', { status: page?.status ?? 400 })
    },
  }
}
