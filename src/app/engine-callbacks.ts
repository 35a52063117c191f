import type { DomainServices } from '../domain/ports/services.ts'
import { showErrorPage } from '../hosted/error/error.page.ts'
import type { ErrorKey } from '../hosted/error/error.page.ts'
import { showFormPostPage } from '../hosted/form-post/form-post.page.ts'
import type { HostedServices } from '../hosted/hosted-services.ts'
import { showQuery, tenantOf } from '../oidc/engine-internals.ts'
import { startFlow } from '../oidc/start-flow.ts'
import { isTokenEndpoint } from '../oidc/paths.ts'
import type { EngineCallbacks } from '../oidc/provider-configuration.ts'

/** Which of our pages stands for an error that the engine would show: no HTML of its own reaches a browser. */
const pages: Readonly<Record<string, { key: ErrorKey; status: number }>> = {
  SessionNotFound: { key: 'expired', status: 400 },
  InvalidRedirectUri: { key: 'redirectMismatch', status: 400 },
  InvalidClient: { key: 'unknownClient', status: 400 },
}

export function engineCallbacks(domain: DomainServices, hosted: () => HostedServices): EngineCallbacks {
  return {
    startFlow: (ctx, interaction) => startFlow(domain, ctx, interaction),
    showFormPost(ctx, answer) {
      const parameters = Object.entries(ctx.oidc.params ?? {})
      const request = Object.fromEntries(
        parameters.filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
      )
      Object.assign(ctx.state, { tenant: tenantOf(ctx.req) })
      showFormPostPage(hosted(), ctx, request, answer)
    },
    renderError(ctx, out, error) {
      if (isTokenEndpoint(ctx.path)) {
        ctx.body = out
        return
      }
      const name = error.name
      const failed = out.error === 'server_error'
      const page = failed
        ? ({ key: 'server', status: 500 } as const)
        : (pages[name] ?? { key: 'invalidRequest', status: 400 })
      showQuery(ctx)
      Object.assign(ctx.state, { tenant: tenantOf(ctx.req) })
      showErrorPage(hosted(), ctx, page.key, { status: page.status })
    },
  }
}
