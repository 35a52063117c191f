import type { Router } from '@koa/router'
import { exportUser } from '../../domain/users/export-user.ts'
import type { HostedServices } from '../hosted-services.ts'
import { accountPagePath } from './account-page.ts'
import { showAccountForm } from './account.page.ts'
import { openAccount, openAccountForm } from './open-account.ts'

/** Everything that is stored of the person, as one file (GDPR Article 20). */
export function dataRoutes(router: Router, services: HostedServices): void {
  router.get(accountPagePath('data'), async (ctx) => {
    const step = await openAccount(services, ctx, 'data')
    if (step !== undefined) showAccountForm(services, step, 'accountData', {})
  })
  router.post(accountPagePath('data'), async (ctx) => {
    const step = await openAccountForm(services, ctx, 'data')
    if (step === undefined) return
    const data = await exportUser(step.domain, step.user)
    ctx.set('Cache-Control', 'no-store')
    ctx.set('Content-Disposition', 'attachment; filename="account.json"')
    ctx.type = 'application/json; charset=utf-8'
    ctx.body = `${JSON.stringify(data, undefined, 2)}\n`
  })
}
