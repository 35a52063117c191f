import type { Router } from '@koa/router'
import { changePassword } from '../../domain/users/change-password.ts'
import type { User } from '../../domain/users/user.ts'
import type { Alert } from '../../platform/views/page-parts.ts'
import { showErrorPage } from '../error/error.page.ts'
import { tellToWait } from '../attempts-exceeded.ts'
import type { HostedServices } from '../hosted-services.ts'
import { keepKnownBrowser, knownBrowserHash } from '../known-browser.ts'
import { chosenPassword, newPasswordField } from '../password-field.ts'
import type { ShownPassword } from '../password-field.ts'
import { errorAlert } from '../render.ts'
import { redirect } from '../step.ts'
import { accountPagePath } from './account-page.ts'
import { checkFields, showAccountForm } from './account.page.ts'
import { accountUrl, openAccount, openAccountForm } from './open-account.ts'
import type { AccountStep } from './open-account.ts'

/** A new password: whoever has one shows that they know it, and stays signed in here and nowhere else. */
export function passwordRoutes(router: Router, services: HostedServices): void {
  router.get(accountPagePath('password'), async (ctx) => {
    const step = await openAccount(services, ctx, 'password')
    if (step !== undefined && isThere(services, step)) showPassword(services, step)
  })
  router.post(accountPagePath('password'), async (ctx) => {
    const step = await openAccountForm(services, ctx, 'password')
    if (step === undefined || !isThere(services, step)) return
    const { form, user, userPool, session } = step
    const currentPassword = form.get('current_password') ?? ''
    const chosen = chosenPassword(form)
    const empty = chosen.password === ''
    const currentEmpty = currentPassword === '' && user.passwordHash !== undefined
    if (empty || currentEmpty) return showPassword(services, step, { empty, currentEmpty, form })
    const browserHash = knownBrowserHash(step)
    const request = { userPool, user, session, currentPassword, ...chosen, browserHash }
    const outcome = await changePassword(step.domain, request)
    if (outcome.kind === 'done') {
      await keepKnownBrowser(step.domain, step, user)
      return redirect(ctx, accountUrl(step, 'home', { notice: 'passwordChanged' }))
    }
    switch (outcome.reason) {
      case 'invalid':
        return showPassword(services, step, { broken: outcome.brokenRules, form })
      case 'incorrectPassword':
        return showPassword(services, step, { incorrect: true, form })
      case 'notAuthorized':
        return redirect(ctx, accountUrl(step))
      case 'attemptsExceeded': {
        const told = tellToWait(step, outcome, 'limits.passwordAttemptsExceeded', 'limits.tryAgain')
        return showPassword(services, step, { alert: errorAlert(told), form })
      }
    }
  })
}

/** Whoever comes from a provider has none here, as in Cognito. */
export const hasOwnPassword = ({ status }: Pick<User, 'status'>): boolean => status !== 'EXTERNAL_PROVIDER'

function isThere(services: HostedServices, step: AccountStep): boolean {
  if (hasOwnPassword(step.user)) return true
  showErrorPage(services, step.ctx, 'notFound', { status: 404 })
  return false
}

interface Shown extends ShownPassword {
  currentEmpty?: boolean
  incorrect?: boolean
  alert?: Alert
}

function showPassword(services: HostedServices, step: AccountStep, shown: Shown = {}): void {
  const { locale, userPool, user } = step
  const { empty = false, currentEmpty = false, incorrect = false, broken = [] } = shown
  const wrong = currentEmpty ? 'fieldErrors.password' : incorrect ? 'fieldErrors.currentPassword' : undefined
  const failed = empty || wrong !== undefined || broken.length > 0
  showAccountForm(services, step, 'accountPassword', {
    ...(user.passwordHash === undefined
      ? {}
      : { currentPassword: wrong === undefined ? {} : { error: locale.text(wrong) } }),
    newPassword: newPasswordField(userPool, locale, shown),
    alert: shown.alert ?? (failed ? checkFields(step) : undefined),
  })
}
