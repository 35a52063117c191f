import type { Router } from '@koa/router'
import { answerMfa } from '../../domain/mfa/answer-mfa.ts'
import { isMfaType } from '../../domain/mfa/mfa-type.ts'
import type { AttemptsExceeded } from '../../domain/lock-out/lock-out.ts'
import { tellToWait } from '../attempts-exceeded.ts'
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
    const open = step && (await waitingAttempt(services, step))
    if (step === undefined || open === undefined) return
    const { challenge } = open.attempt
    if (isMfaType(challenge)) showMfaPage(services, step, open, challenge)
  })
  router.post(pagePaths.mfa, async (ctx) => {
    const step = await openForm(services, ctx, 'mfa')
    if (step !== undefined) await answer(services, step)
  })
}

async function answer(services: HostedServices, step: FormStep): Promise<void> {
  const code = step.form.get('code') ?? ''
  const open = await waitingAttempt(services, step)
  if (open === undefined) return
  const { challenge } = open.attempt
  if (!isMfaType(challenge)) return tellExpired(services, step)
  if (code.trim() === '') {
    return showMfaPage(services, step, open, challenge, { error: step.locale.text('fieldErrors.code') })
  }
  const outcome = await answerMfa(step.domain, { ...attemptRequest(step), code, browserHash: knownBrowserHash(step) })
  if (outcome.kind === 'done') return continueFlow(services, step, signInState(step.flow.state, outcome))
  if (outcome.reason === 'attemptExpired') return tellExpired(services, step)
  showMfaPage(services, step, open, challenge, { error: mfaError(step, outcome) })
}

/** What stands at the field of a code that was not taken. */
export const mfaError = (step: Step, outcome: { kind: 'refused'; reason: string } | AttemptsExceeded): string =>
  'retryAfterSeconds' in outcome
    ? tellToWait(step, outcome, 'outcomes.limitExceeded', 'limits.tryAgain')
    : step.locale.text(`outcomes.${outcome.reason}`)
