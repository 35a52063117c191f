import type { DomainServices } from '../domain/ports/services.ts'
import type { Flow, FlowState } from '../domain/sessions/flow.ts'
import type { Tenant } from '../domain/user-pools/tenant.ts'
import type { FinishSignedInOutcome, FlowError } from '../oidc/interaction.ts'
import type { MessageCatalogue } from '../platform/views/message-catalogue.ts'
import type { Page } from '../platform/views/page-parts.ts'
import type { ViewEngine } from '../platform/views/view-engine.ts'
import type { Context } from 'koa'

/** What the pages work with; the composition makes it once. */
export interface HostedServices {
  domain: DomainServices
  views: ViewEngine
  catalogue: MessageCatalogue
  assets: Page['assets']
  /** Hands a finished flow back to the engine; where the browser goes on, or undefined when that is no longer possible. */
  finishFlow(
    tenant: Tenant,
    ctx: Context,
    flow: Flow,
    authenticated: NonNullable<FlowState['authenticated']>,
    consented?: readonly string[],
  ): Promise<string | undefined>
  /** The same with the account that is signed in already. */
  finishFlowSignedIn(tenant: Tenant, ctx: Context, flow: Flow): Promise<FinishSignedInOutcome>
  /** The same with an error; absent: the person's refusal to let the client have what it asks for. */
  refuseFlow(tenant: Tenant, ctx: Context, flow: Flow, error?: FlowError): Promise<string | undefined>
  /** Where a finished flow goes on while its answer has not been fetched; undefined when that is no longer possible. */
  resumeFlow(tenant: Tenant, ctx: Context, flow: Flow): Promise<string | undefined>
}
