import type { Router } from '@koa/router'
import { signIn } from '../../domain/sign-in/sign-in.ts'
import type { SignInOutcome } from '../../domain/sign-in/sign-in.ts'
import { askForConfirmation } from '../confirm/ask-for-confirmation.ts'
import type { HostedServices } from '../hosted-services.ts'
import { knownBrowserHash } from '../known-browser.ts'
import { pagePaths } from '../paths.ts'
import { continueFlow, openForm, openPage } from '../open-step.ts'
import { signInContext } from '../sign-in-context.ts'
import { signInState } from '../sign-in-state.ts'
import { staySignedInOf } from '../stay-signed-in.ts'
import type { FormStep } from '../step.ts'
import { showLoginPage } from './login.page.ts'

export function loginRoutes(router: Router, services: HostedServices): void {
  router.get(pagePaths.login, async (ctx) => {
    const step = await openPage(services, ctx, 'login')
    if (step !== undefined) await showLoginPage(services, step, { username: step.flow.state.username ?? '' })
  })
  router.post(pagePaths.login, async (ctx) => {
    const step = await openForm(services, ctx, 'login')
    if (step === undefined) return
    const username = step.form.get('username') ?? ''
    const password = step.form.get('password') ?? ''
    if (username.trim() === '' || password === '') {
      return showLoginPage(services, step, {
        username,
        missing: { username: username.trim() === '', password: password === '' },
      })
    }
    const typed = { username, password, browserHash: knownBrowserHash(step) }
    const outcome = await signIn(step.domain, { ...signInContext(step), ...typed })
    await answer(services, step, username, outcome)
  })
}

async function answer(
  services: HostedServices,
  step: FormStep,
  username: string,
  outcome: SignInOutcome,
): Promise<void> {
  const { request, chosen } = step.flow.state
  const state = { request, chosen, username, ...staySignedInOf(step) }
  if (outcome.kind !== 'refused') return continueFlow(services, step, signInState(state, outcome))
  if (outcome.reason === 'userNotConfirmed') return askForConfirmation(services, step, state, outcome)
  if (outcome.reason === 'passwordResetRequired') {
    return continueFlow(services, step, { ...state, chosen: 'forgotPassword' }, 'passwordResetRequired')
  }
  if (outcome.reason === 'attemptsExceeded' || outcome.reason === 'limitExceeded')
    return showLoginPage(services, step, { username, locked: outcome })
  await showLoginPage(services, step, { username, refusal: outcome.reason })
}
