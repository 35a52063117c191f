import type { Router } from '@koa/router'
import { appHome } from '../../domain/app-clients/app-home.ts'
import { deleteUser } from '../../domain/users/administer-user.ts'
import { cookieName, setCookie } from '../../security/cookies.ts'
import type { HostedServices } from '../hosted-services.ts'
import { showPage } from '../render.ts'
import { accountPagePath } from './account-page.ts'
import { accountPageRequest, checkFields, showAccountForm } from './account.page.ts'
import { openAccount, openAccountForm } from './open-account.ts'
import type { AccountStep } from './open-account.ts'

/** Cognito's DeleteUser: the person deletes their own account, after saying so in so many words. */
export function deleteRoutes(router: Router, services: HostedServices): void {
  router.get(accountPagePath('delete'), async (ctx) => {
    const step = await openAccount(services, ctx, 'delete')
    if (step !== undefined) showDelete(services, step)
  })
  router.post(accountPagePath('delete'), async (ctx) => {
    const step = await openAccountForm(services, ctx, 'delete')
    if (step === undefined) return
    const { user, domain, tenant, appClient } = step
    const typed = (step.form.get('confirm') ?? '').trim()
    if (typed.toLocaleLowerCase(step.locale.lang) !== wordOf(step).toLocaleLowerCase(step.locale.lang)) {
      return showDelete(services, step, typed)
    }
    await deleteUser(domain, user)
    setCookie(ctx, cookieName('session', tenant.snapshot.userPool.id, tenant.secure), '', {
      secure: tenant.secure,
      maxAgeSeconds: 0,
    })
    const home = appHome(appClient)
    const { pageInLanguage: _, ...request } = accountPageRequest(step)
    showPage(services, request, 'pages/confirmed-user', 'accountDeleted', {
      links: home === undefined ? {} : { login: home },
    })
  })
}

/** Typed to show that it is meant. */
const wordOf = ({ locale }: AccountStep): string => locale.text('accountDelete.word')

function showDelete(services: HostedServices, step: AccountStep, typed?: string): void {
  const { locale } = step
  const word = wordOf(step)
  showAccountForm(services, step, 'accountDelete', {
    danger: true,
    fields: [
      {
        name: 'confirm',
        label: locale.text('accountDelete.confirmation.label', { word }),
        type: 'text',
        value: typed ?? '',
        required: true,
        autocomplete: 'off',
        ...(typed === undefined ? {} : { error: locale.text('accountDelete.confirmation.error', { word }) }),
      },
    ],
    ...(typed === undefined ? {} : { alert: checkFields(step) }),
  })
}
