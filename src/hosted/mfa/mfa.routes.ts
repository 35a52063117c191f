import type { Router } from '@koa/router'
import { answerMfa } from '../../domain/mfa/answer-mfa.ts'
import { isMfaType } from '../../domain/mfa/mfa-type.ts'
import { codeError } from '../attempts-exceeded.ts'
import type { HostedServices } from '../hosted-services.ts'
import { knownBrowserHash } from '../known-browser.ts'
import { continueFlow, openForm, openPage } from '../open-step.ts'
import { pagePaths } from '../paths.ts'
import { signInState } from '../sign-in-state.ts'
import type { FormStep, Step } from '../step.ts'
import { showMfaPage } from './mfa.page.ts'
import { attemptRequest, tellExpired, waitingAttempt } from './waiting-attempt.ts'

export function mfaRoutes(router: Router, services: HostedServices): void {
  router.get(pagePaths.mfa, async (ctx) => {
    const step = await openPage(services, ctx, 'mfa')
    if (step !== undefined) await show(services, step)
  })
  router.post(pagePaths.mfa, async (ctx) => {
    const step = await openForm(services, ctx, 'mfa')
    if (step !== undefined) await answer(services, step)
  })
}

async function answer(services: HostedServices, step: FormStep): Promise<void> {
  const code = step.form.get('code') ?? ''
  if (code.trim() === '') return show(services, step, step.locale.text('fieldErrors.code'))
  const outcome = await answerMfa(step.domain, { ...attemptRequest(step), code, browserHash: knownBrowserHash(step) })
  if (outcome.kind === 'done') return continueFlow(services, step, signInState(step.flow.state, outcome))
  if (outcome.reason === 'attemptExpired') return tellExpired(services, step)
  await show(services, step, codeError(step, outcome))
}

async function show(services: HostedServices, step: Step, error?: string): Promise<void> {
  const open = await waitingAttempt(services, step)
  const challenge = open?.attempt.challenge
  if (open === undefined || challenge === undefined || !isMfaType(challenge)) return
  const { userPoolId, sub } = open.user
  const hasRecoveryCodes = (await services.domain.store.recoveryCodes.count(userPoolId, sub)) > 0
  showMfaPage(services, step, open, challenge, { hasRecoveryCodes, ...(error === undefined ? {} : { error }) })
}
