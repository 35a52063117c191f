import type { Router } from '@koa/router'
import { makeRecoveryCodes } from '../../domain/mfa/recovery-codes.ts'
import { usableMfaTypes } from '../../domain/mfa/usable-mfa-types.ts'
import { nameToSignInWith } from '../../domain/users/sign-in-name.ts'
import type { HostedServices } from '../hosted-services.ts'
import { showPage } from '../render.ts'
import { redirect } from '../step.ts'
import { accountPagePath } from './account-page.ts'
import { accountPageRequest, momentText, showAccountForm } from './account.page.ts'
import { accountUrl, openAccount, openAccountForm } from './open-account.ts'
import type { AccountStep } from './open-account.ts'

/** Codes for whoever loses their second factor: shown once, when they are made. */
export function recoveryCodesRoutes(router: Router, services: HostedServices): void {
  router.get(accountPagePath('recoveryCodes'), async (ctx) => {
    const step = await openAccount(services, ctx, 'recoveryCodes')
    if (step === undefined) return
    // Without a second factor there is nothing that they could stand in for.
    if (usableMfaTypes(step.userPool, step.user).length === 0) return redirect(ctx, accountUrl(step, 'factors'))
    const left = await step.domain.store.recoveryCodes.count(step.userPool.id, step.user.sub)
    showAccountForm(services, step, 'accountRecoveryCodes', {}, { left })
  })
  router.post(accountPagePath('recoveryCodes'), async (ctx) => {
    const step = await openAccountForm(services, ctx, 'recoveryCodes')
    if (step === undefined) return
    if (usableMfaTypes(step.userPool, step.user).length === 0) return redirect(ctx, accountUrl(step, 'factors'))
    showCodes(services, step, await makeRecoveryCodes(step.domain, step.user))
  })
}

function showCodes(services: HostedServices, step: AccountStep, codes: readonly string[]): void {
  const { userPool, user, domain, locale } = step
  const name = userPool.branding.name ?? userPool.name
  const lines = [name, nameToSignInWith(userPool, user), momentText(step, domain.clock.now()), '', ...codes, '']
  const { pageInLanguage: _, ...request } = accountPageRequest(step)
  showPage(services, request, 'pages/recovery-codes', 'recoveryCodes', {
    codes,
    download: {
      href: `data:text/plain;charset=utf-8,${encodeURIComponent(lines.join('\r\n'))}`,
      fileName: locale.text('recoveryCodes.fileName'),
    },
    links: { back: accountUrl(step, 'factors') },
  })
}
