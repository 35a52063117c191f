import type { Router } from '@koa/router'
import type { Context } from 'koa'
import { appHome } from '../../domain/app-clients/app-home.ts'
import { deleteUser } from '../../domain/users/administer-user.ts'
import { cookieName, setCookie } from '../../security/cookies.ts'
import { csrfMatches, csrfToken } from '../../security/csrf.ts'
import type { HostedServices } from '../hosted-services.ts'
import { showPage } from '../render.ts'
import { redirect } from '../step.ts'
import { accountPagePath } from './account-page.ts'
import { accountPageRequest, checkFields, showAccountForm } from './account.page.ts'
import { accountUrl, openAccount, openAccountForm, openForBystander } from './open-account.ts'
import type { AccountStep, Bystander } from './open-account.ts'

/** Cognito's DeleteUser: the person deletes their own account, after saying so in so many words. */
export function deleteRoutes(router: Router, services: HostedServices): void {
  router.get(accountPagePath('delete'), async (ctx) => {
    const { done } = ctx.query
    if (typeof done === 'string') return showDeleted(services, ctx, done)
    const step = await openAccount(services, ctx, 'delete')
    if (step !== undefined) showDelete(services, step)
  })
  router.post(accountPagePath('delete'), async (ctx) => {
    const step = await openAccountForm(services, ctx, 'delete')
    if (step === undefined) return
    const { user, domain, tenant } = step
    const typed = (step.form.get('confirm') ?? '').trim()
    if (typed.toLocaleLowerCase(step.locale.lang) !== wordOf(step).toLocaleLowerCase(step.locale.lang)) {
      return showDelete(services, step, typed)
    }
    await deleteUser(domain, user)
    setCookie(ctx, cookieName('session', tenant.snapshot.userPool.id, tenant.secure), '', {
      secure: tenant.secure,
      maxAgeSeconds: 0,
    })
    const done = csrfToken(domain.sealedBox, step.browser, deletedSubject(step))
    redirect(ctx, accountUrl(step, 'delete', { done }))
  })
}

const deletedSubject = ({ appClient }: Bystander): string => JSON.stringify(['account deleted', appClient.id])

/** Only in the browser in which it was done: a link must not frighten anybody. */
function showDeleted(services: HostedServices, ctx: Context, done: string): void {
  const step = openForBystander(services, ctx, 'delete')
  if (step === undefined) return
  if (!csrfMatches(services.domain.sealedBox, step.browser, deletedSubject(step), done)) {
    return redirect(ctx, accountUrl(step))
  }
  const home = appHome(step.appClient)
  showPage(services, accountPageRequest(step, { done }), 'pages/confirmed-user', 'accountDeleted', {
    links: home === undefined ? {} : { login: home },
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
