import { appHome } from '../../domain/app-clients/app-home.ts'
import { tenantUrl } from '../../domain/user-pools/tenant.ts'
import { pagePaths } from '../paths.ts'
import type { Step } from '../step.ts'

/** Where "sign in instead" of a mail leads. Built from configured origins only (threat row E1). */
export const signInLink = ({ appClient, tenant }: Pick<Step, 'appClient' | 'tenant'>): string =>
  appHome(appClient) ?? tenantUrl(tenant, pagePaths.login)
