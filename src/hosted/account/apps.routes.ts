import type { Router } from '@koa/router'
import { withdrawConsent } from '../../domain/consents/give-consent.ts'
import type { HostedServices } from '../hosted-services.ts'
import { isolated } from '../isolated.ts'
import { redirect } from '../step.ts'
import { accountPagePath } from './account-page.ts'
import { action, momentText, showAccountList } from './account.page.ts'
import { accountUrl, idIn, openAccount, openAccountForm } from './open-account.ts'
import type { AccountStep } from './open-account.ts'

/** Apps of others, and what the person has allowed them. */
export function appsRoutes(router: Router, services: HostedServices): void {
  router.get(accountPagePath('apps'), async (ctx) => {
    const step = await openAccount(services, ctx, 'apps')
    if (step !== undefined) await showApps(services, step)
  })
  router.post(accountPagePath('apps'), async (ctx) => {
    const step = await openAccountForm(services, ctx, 'apps')
    if (step === undefined) return
    const { form, domain, userPool, user } = step
    const clientId = idIn(form, 'withdraw')
    if (clientId !== '') await withdrawConsent(domain, { userPoolId: userPool.id, userSub: user.sub, clientId })
    redirect(ctx, accountUrl(step, 'apps', { notice: 'consentWithdrawn' }))
  })
}

async function showApps(services: HostedServices, step: AccountStep): Promise<void> {
  const { domain, userPool, user, tenant, locale } = step
  const consents = await domain.store.consents.ofUser(userPool.id, user.sub)
  showAccountList(services, step, 'accountApps', {
    items: consents.map(({ clientId, scopes, createdAt }) => ({
      title: isolated(tenant.snapshot.appClients.get(clientId)?.name ?? clientId),
      lines: [
        locale.text('accountApps.lines.allowedAt', { at: momentText(step, createdAt) }),
        locale.text('accountApps.lines.scopes', { scopes: new Intl.ListFormat(locale.lang).format(scopes) }),
      ],
      actions: [action(step, 'withdraw', clientId, 'accountApps.withdraw')],
    })),
    none: locale.text('accountApps.none'),
  })
}
