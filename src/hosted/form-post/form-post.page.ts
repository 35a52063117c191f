import type { Context } from 'koa'
import type { HostedServices } from '../hosted-services.ts'
import { languagesOf } from '../language.ts'
import { showPage } from '../render.ts'
import { tenantOf } from '../step.ts'

/**
 * Form Post Response Mode: a page that posts the answer to the app, by script at once, by its button without. Its policy
 * lets it post there and nowhere else.
 * @param request the authorization request's parameters: its client and its languages
 */
export function showFormPostPage(
  services: HostedServices,
  ctx: Context,
  request: Readonly<Record<string, string>>,
  answer: { redirectUri: string; parameters: Readonly<Record<string, string>> },
): void {
  const tenant = tenantOf(ctx)
  const appClient = tenant.snapshot.appClients.get(request['client_id'] ?? '')
  const locale = services.catalogue.locale(languagesOf(ctx, request))
  const { redirectUri, parameters } = answer
  ctx.status = 200
  showPage(services, { ctx, locale, tenant, appClient, redirectUri, onlyTarget: true }, 'pages/form-post', 'formPost', {
    action: redirectUri,
    fields: Object.entries(parameters).map(([name, value]) => ({ name, value })),
  })
}
