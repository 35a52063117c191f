import type { Router } from '@koa/router'
import { answerMfa } from '../../domain/mfa/answer-mfa.ts'
import { isMfaType } from '../../domain/mfa/mfa-type.ts'
import { codeError } from '../attempts-exceeded.ts'
import { answerWithPasskey } from '../../domain/passkeys/sign-in-with-passkey.ts'
import type { SignedIn } from '../../domain/sign-in/advance.ts'
import type { HostedServices } from '../hosted-services.ts'
import { knownBrowserHash } from '../known-browser.ts'
import { continueFlow, openForm, openPage } from '../open-step.ts'
import { pagePaths } from '../paths.ts'
import { rememberDeviceOf } from '../remembered-device.ts'
import { signInState } from '../sign-in-state.ts'
import type { FormStep, Step } from '../step.ts'
import { factorCeremony } from '../passkey/passkey-parts.ts'
import { showMfaPage } from './mfa.page.ts'
import { showPasskeyFactorPage } from './passkey-factor.page.ts'
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
  if (step.form.has('credential')) return answerByPasskey(services, step)
  const code = step.form.get('code') ?? ''
  if (code.trim() === '') return show(services, step, step.locale.text('fieldErrors.code'))
  const outcome = await answerMfa(step.domain, { ...attemptRequest(step), code, browserHash: knownBrowserHash(step) })
  if (outcome.kind === 'done') return goOn(services, step, outcome)
  if (outcome.reason === 'attemptExpired') return tellExpired(services, step)
  await show(services, step, codeError(step, outcome))
}

async function answerByPasskey(services: HostedServices, step: FormStep): Promise<void> {
  const ceremony = factorCeremony(step)
  const credential = step.form.get('credential') ?? ''
  const outcome = ceremony && (await answerWithPasskey(step.domain, { ...attemptRequest(step), ceremony, credential }))
  if (outcome?.kind === 'done') return goOn(services, step, outcome)
  if (outcome?.reason === 'attemptExpired') return tellExpired(services, step)
  await show(services, step, step.locale.text('outcomes.passkeyRefused'))
}

const goOn = (services: HostedServices, step: FormStep, outcome: SignedIn): Promise<void> =>
  continueFlow(services, step, { ...signInState(step.flow.state, outcome), ...rememberDeviceOf(step) })

async function show(services: HostedServices, step: Step, error?: string): Promise<void> {
  const open = await waitingAttempt(services, step)
  const challenge = open?.attempt.challenge
  if (open === undefined || challenge === undefined || !isMfaType(challenge)) return
  const { userPoolId, sub } = open.user
  const hasRecoveryCodes = (await services.domain.store.recoveryCodes.count(userPoolId, sub)) > 0
  const shown = { hasRecoveryCodes, ...(error === undefined ? {} : { error }) }
  if (challenge === 'WEB_AUTHN') return showPasskeyFactorPage(services, step, open, shown)
  showMfaPage(services, step, open, challenge, shown)
}
