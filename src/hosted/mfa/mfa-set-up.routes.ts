import type { Router } from '@koa/router'
import { completeSetUp } from '../../domain/mfa/complete-set-up.ts'
import { beginSetUp, chooseAnotherSetUp } from '../../domain/mfa/set-up-mfa.ts'
import { isCodeMfaType } from '../../domain/mfa/mfa-type.ts'
import type { CodeMfaType } from '../../domain/mfa/mfa-type.ts'
import { setUpPasskey } from '../../domain/passkeys/set-up-passkey.ts'
import { mfaTypesToSetUp } from '../../domain/mfa/usable-mfa-types.ts'
import type { OpenAttempt } from '../../domain/sign-in/open-attempt.ts'
import { browserText } from '../browser-text.ts'
import { codeError } from '../attempts-exceeded.ts'
import type { HostedServices } from '../hosted-services.ts'
import { knownBrowserHash } from '../known-browser.ts'
import { continueFlow, openForm, openPage } from '../open-step.ts'
import { pagePaths } from '../paths.ts'
import { tellLimited } from '../tell-limited.ts'
import { signInState } from '../sign-in-state.ts'
import { pageUrl, redirect } from '../step.ts'
import type { FormStep, Step } from '../step.ts'
import { showMfaPage } from './mfa.page.ts'
import { offeredSetUp, showMfaSetUpPage, showSoftwareTokenPage } from './mfa-set-up.page.ts'
import { attemptRequest, chosenType, tellExpired, waitingAttempt } from './waiting-attempt.ts'

export function mfaSetUpRoutes(router: Router, services: HostedServices): void {
  router.get(pagePaths.mfaSetUp, async (ctx) => {
    const step = await openPage(services, ctx, 'mfaSetUp')
    if (step !== undefined) await show(services, step)
  })
  router.post(pagePaths.mfaSetUp, async (ctx) => {
    const step = await openForm(services, ctx, 'mfaSetUp')
    if (step === undefined) return
    if (step.form.has('credential')) return completeWithPasskey(services, step)
    const type = chosenType(step)
    if (type !== undefined && isCodeMfaType(type)) await begin(services, step, type)
    else await complete(services, step)
  })
}

async function show(services: HostedServices, step: Step): Promise<void> {
  const open = await waitingAttempt(services, step)
  if (open === undefined) return
  if (step.ctx.query['another'] !== undefined) {
    await chooseAnotherSetUp(step.domain, attemptRequest(step))
    return redirect(step.ctx, pageUrl(step, 'mfaSetUp'))
  }
  const { settingUp } = open.attempt
  if (settingUp !== undefined) return showBegun(services, step, open, settingUp)
  const [only, ...others] = mfaTypesToSetUp(step.tenant.snapshot.userPool, open.user)
  // Nothing to choose, and nothing that would be sent.
  if (only === 'SOFTWARE_TOKEN_MFA' && others.length === 0 && offeredSetUp(step) === undefined)
    return begin(services, step, only)
  await showMfaSetUpPage(services, step, open)
}

async function begin(services: HostedServices, step: Step | FormStep, type: CodeMfaType): Promise<void> {
  const phoneNumber = 'form' in step ? step.form.get('phone_number') : undefined
  const { languages } = step
  const typed = phoneNumber === undefined ? {} : { phoneNumber }
  const outcome = await beginSetUp(step.domain, { ...attemptRequest(step), type, languages, ...typed })
  if (outcome.kind === 'begun') {
    const notice = outcome.sent && step.ctx.query['type'] !== undefined ? 'codeResent' : undefined
    return redirect(step.ctx, pageUrl(step, 'mfaSetUp', notice))
  }
  if (outcome.reason === 'limitExceeded') return tellLimited(services, step, outcome)
  if (outcome.reason === 'attemptExpired') return tellExpired(services, step)
  const open = await waitingAttempt(services, step)
  if (open !== undefined) {
    await showMfaSetUpPage(services, step, open, { phone: phoneNumber ?? '', problem: outcome.reason })
  }
}

async function complete(services: HostedServices, step: FormStep): Promise<void> {
  const open = await waitingAttempt(services, step)
  if (open === undefined) return
  const { settingUp } = open.attempt
  if (settingUp === undefined) return showMfaSetUpPage(services, step, open)
  const code = step.form.get('code') ?? ''
  if (code.trim() === '') return showBegun(services, step, open, settingUp, step.locale.text('fieldErrors.code'))
  const browserHash = knownBrowserHash(step)
  const outcome = await completeSetUp(step.domain, { ...attemptRequest(step), code, browserHash })
  if (outcome.kind === 'done') return continueFlow(services, step, signInState(step.flow.state, outcome))
  if (outcome.reason === 'attemptExpired') return tellExpired(services, step)
  if (outcome.reason === 'aliasExists') {
    return showBegun(services, step, open, settingUp, step.locale.text('fieldErrors.addressTaken'))
  }
  showBegun(services, step, open, settingUp, codeError(step, outcome))
}

async function completeWithPasskey(services: HostedServices, step: FormStep): Promise<void> {
  const open = await waitingAttempt(services, step)
  if (open === undefined) return
  const ceremony = offeredSetUp(step)
  const credential = step.form.get('credential') ?? ''
  const name = browserText(step, step.ctx.get('User-Agent'))
  const outcome = ceremony && (await setUpPasskey(step.domain, { ...attemptRequest(step), ceremony, credential, name }))
  if (outcome?.kind === 'done') return continueFlow(services, step, signInState(step.flow.state, outcome))
  if (outcome?.reason === 'attemptExpired') return tellExpired(services, step)
  await showMfaSetUpPage(services, step, open, { error: step.locale.text('outcomes.passkeyNotMade') })
}

function showBegun(services: HostedServices, step: Step, open: OpenAttempt, type: CodeMfaType, error?: string): void {
  const shown = error === undefined ? {} : { error }
  if (type === 'SOFTWARE_TOKEN_MFA') return showSoftwareTokenPage(services, step, open, shown)
  showMfaPage(services, step, open, type, { ...shown, settingUp: true })
}
