import type { Router } from '@koa/router'
import { offersCustomAuth, openState } from '../../domain/custom-auth/custom-sign-in.ts'
import { openCustomSignIn } from '../../domain/custom-auth/sign-in-by-challenges.ts'
import type { HostedServices } from '../hosted-services.ts'
import { showLoginPage } from '../login/login.page.ts'
import { tellExpired } from '../mfa/waiting-attempt.ts'
import { openForm, openPage } from '../open-step.ts'
import { pagePaths } from '../paths.ts'
import { pageUrl, redirect } from '../step.ts'
import type { FormStep, Step } from '../step.ts'
import { answerCustom, beginCustom } from './begin-custom.ts'
import { showCustomChallengePage } from './custom-challenge.page.ts'

/** Questions of a pool's own triggers: begun on the sign-in page, answered on one of their own. */
export function customChallengeRoutes(router: Router, services: HostedServices): void {
  router.get(pagePaths.customChallenge, async (ctx) => {
    const step = await openPage(services, ctx, 'customChallenge')
    if (step !== undefined) await show(services, step)
  })
  router.post(pagePaths.customChallenge, async (ctx) => {
    const step = await openForm(services, ctx, 'customChallenge')
    if (step !== undefined) await answer(services, step)
  })
  router.post(pagePaths.customSignIn, async (ctx) => {
    const step = await openForm(services, ctx, 'login')
    if (step !== undefined) await begin(services, step)
  })
}

async function begin(services: HostedServices, step: FormStep): Promise<void> {
  const username = step.form.get('username') ?? ''
  if (!offersCustomAuth(step.tenant.snapshot.userPool, step.appClient)) {
    return showLoginPage(services, step, { username })
  }
  if (username.trim() === '') {
    return showLoginPage(services, step, { username, missing: { username: true, password: false } })
  }
  await beginCustom(services, step, { username })
}

const waitingHash = ({ flow }: Step): string =>
  flow.state.pending?.kind === 'customChallenge' ? flow.state.pending.idHash : ''

async function show(services: HostedServices, step: Step, error?: string): Promise<void> {
  const { userPool } = step.tenant.snapshot
  const open = await openCustomSignIn(step.domain, { userPool, appClient: step.appClient, idHash: waitingHash(step) })
  if (open === undefined) return tellExpired(services, step)
  const state = openState(services.domain.sealedBox, open.signIn)
  showCustomChallengePage(services, step, { idHash: open.signIn.idHash, state }, error === undefined ? {} : { error })
}

async function answer(services: HostedServices, step: FormStep): Promise<void> {
  // A window that was left open on an earlier question.
  if (step.form.get('question') !== waitingHash(step)) return redirect(step.ctx, pageUrl(step, 'customChallenge'))
  if ((step.form.get('answer') ?? '').trim() === '') {
    return show(services, step, step.locale.text('fieldErrors.required'))
  }
  await answerCustom(services, step, waitingHash(step))
}
