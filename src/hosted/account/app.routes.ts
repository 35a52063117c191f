import type { Router } from '@koa/router'
import { amrOf, multipleFactors } from '../../domain/mfa/mfa-type.ts'
import { addSoftwareToken, beginSoftwareToken, openSoftwareToken } from '../../domain/mfa/own-factors.ts'
import { softwareTokenDigits, softwareTokenUri } from '../../domain/mfa/software-token.ts'
import { nameToSignInWith } from '../../domain/users/sign-in-name.ts'
import { qrCode } from '../../platform/views/qr-code.ts'
import { codeError } from '../attempts-exceeded.ts'
import { showErrorPage } from '../error/error.page.ts'
import type { HostedServices } from '../hosted-services.ts'
import { knownBrowserHash } from '../known-browser.ts'
import { showPage } from '../render.ts'
import { redirect } from '../step.ts'
import { accountPagePath } from './account-page.ts'
import { accountNotice, accountPageRequest } from './account.page.ts'
import { noticeOf } from './factors.routes.ts'
import { accountForm, accountUrl, openAccount, openAccountForm } from './open-account.ts'
import type { AccountFormStep, AccountStep } from './open-account.ts'

/** Another authenticator app: its secret stands in the form, sealed, until its first code is right. */
export function appRoutes(router: Router, services: HostedServices): void {
  router.get(accountPagePath('app'), async (ctx) => {
    const step = await openAccount(services, ctx, 'app')
    if (step === undefined || !isOffered(services, step)) return
    showApp(services, step, beginSoftwareToken(step.domain, step.user))
  })
  router.post(accountPagePath('app'), async (ctx) => {
    const step = await openAccountForm(services, ctx, 'app')
    if (step !== undefined && isOffered(services, step)) await add(services, step)
  })
}

function isOffered(services: HostedServices, step: AccountStep): boolean {
  const { mfaConfiguration, mfaTypes } = step.userPool
  if (mfaConfiguration !== 'OFF' && mfaTypes.includes('SOFTWARE_TOKEN_MFA')) return true
  showErrorPage(services, step.ctx, 'notFound', { status: 404 })
  return false
}

async function add(services: HostedServices, step: AccountFormStep): Promise<void> {
  const { form, domain, userPool, user, session, ctx } = step
  const sealed = form.get('sealed') ?? ''
  const setUp = openSoftwareToken(domain, user, sealed)
  if (setUp === undefined) return redirect(ctx, accountUrl(step, 'app', { notice: 'setUpExpired' }))
  const { secret } = setUp
  const code = form.get('code') ?? ''
  if (code.trim() === '') {
    return showApp(services, step, { secret, sealed }, step.locale.text('fieldErrors.appCode'))
  }
  const outcome = await addSoftwareToken(domain, { userPool, user, sealed, code, browserHash: knownBrowserHash(step) })
  if (outcome.kind === 'done') {
    // Proved in this very session, which is asked for it no sooner than any other.
    const amr = [...new Set([...session.amr, amrOf.SOFTWARE_TOKEN_MFA, multipleFactors])]
    await domain.store.browserSessions.update({ ...session, amr })
    return redirect(ctx, accountUrl(step, 'factors', { notice: 'factorAdded' }))
  }
  if (outcome.reason === 'codeMismatch' || outcome.reason === 'attemptsExceeded') {
    return showApp(services, step, { secret, sealed }, codeError(step, outcome))
  }
  redirect(ctx, accountUrl(step, 'factors', { notice: noticeOf(outcome, 'factorAdded') }))
}

function showApp(
  services: HostedServices,
  step: AccountStep,
  { secret, sealed }: { secret: string; sealed: string },
  error?: string,
): void {
  const { userPool, user } = step
  const issuer = userPool.branding.name ?? userPool.name
  const uri = softwareTokenUri(secret, { issuer, account: nameToSignInWith(userPool, user) })
  showPage(services, accountPageRequest(step), 'pages/account-app', 'accountApp', {
    form: accountForm(services, step),
    hidden: [{ name: 'sealed', value: sealed }],
    qr: qrCode(uri),
    key: secret.replaceAll(/(.{4})(?=.)/g, '$1 '),
    uri,
    code: { length: softwareTokenDigits, ...(error === undefined ? {} : { error }) },
    links: { back: accountUrl(step, 'factors') },
    alert: accountNotice(step),
  })
}
