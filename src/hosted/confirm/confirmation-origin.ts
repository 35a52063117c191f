import { tenantUrl } from '../../domain/user-pools/tenant.ts'
import type { ConfirmationOrigin } from '../../domain/verification-codes/confirmation-link.ts'
import { pagePaths } from '../paths.ts'
import type { Step } from '../step.ts'

/** What a link to confirm this sign-up is made of, should the pool send one. */
export const confirmationOrigin = ({ tenant, appClient, flow, flowId }: Step): ConfirmationOrigin => ({
  confirmUserUrl: tenantUrl(tenant, pagePaths.confirmUser),
  clientId: appClient.id,
  browserHash: flow.browserHash,
  flowId,
})
