import type { Router } from '@koa/router'
import { confirmSignInCode } from '../../domain/passwordless/confirm-sign-in-code.ts'
import { isFirstCode, offeredFirstCodes } from '../../domain/passwordless/first-code.ts'
import type { FirstCode } from '../../domain/passwordless/first-code.ts'
import { requestSignInCode } from '../../domain/passwordless/request-sign-in-code.ts'
import type { RequestSignInCodeOutcome } from '../../domain/passwordless/request-sign-in-code.ts'
import type { FlowState, PendingSignInCode } from '../../domain/sessions/flow.ts'
import { cooldownLeft } from '../../domain/sign-up/resend-confirmation-code.ts'
import { tenantUrl } from '../../domain/user-pools/tenant.ts'
import { sha256 } from '../../security/digest.ts'
import { codeError, limitAlert } from '../attempts-exceeded.ts'
import type { HostedServices } from '../hosted-services.ts'
import { knownBrowserHash } from '../known-browser.ts'
import { showLoginPage } from '../login/login.page.ts'
import { continueFlow, openForm, openPage } from '../open-step.ts'
import { pagePaths } from '../paths.ts'
import { signInContext } from '../sign-in-context.ts'
import { signInState } from '../sign-in-state.ts'
import { staySignedInOf } from '../stay-signed-in.ts'
import { pageUrl, redirect } from '../step.ts'
import type { FormStep, Step } from '../step.ts'
import { showSignInCodePage } from './sign-in-code.page.ts'

/** A code in place of a password: asked for on the sign-in page, typed on one of its own. */
export function signInCodeRoutes(router: Router, services: HostedServices): void {
  router.get(pagePaths.signInCode, async (ctx) => {
    const step = await openPage(services, ctx, 'signInCode')
    const pending = step && pendingCode(step)
    if (step !== undefined && pending !== undefined) showSignInCodePage(services, step, pending)
  })
  router.post(pagePaths.signInCode, async (ctx) => {
    const step = await openForm(services, ctx, 'signInCode')
    const pending = step && pendingCode(step)
    if (step !== undefined && pending !== undefined) await confirm(services, step, pending)
  })
  router.post(pagePaths.requestSignInCode, async (ctx) => {
    const step = await openForm(services, ctx, 'login')
    if (step !== undefined) await request(services, step)
  })
}

function pendingCode(step: Step): PendingSignInCode | undefined {
  const { pending } = step.flow.state
  return pending?.kind === 'signInCode' ? pending : undefined
}

async function request(services: HostedServices, step: FormStep): Promise<void> {
  const { userPool } = step.tenant.snapshot
  const username = step.form.get('username') ?? ''
  const factor = step.form.get('factor') ?? ''
  if (!isFirstCode(factor) || !offeredFirstCodes(userPool, step.appClient).includes(factor)) {
    return showLoginPage(services, step, { username })
  }
  if (username.trim() === '') {
    return showLoginPage(services, step, { username, missing: { username: true, password: false } })
  }
  const outcome = await askForCode(step, username, factor)
  if (outcome.kind === 'refused') return showLoginPage(services, step, { username, locked: outcome })
  const state = stateAfter(services, step, username, factor, outcome)
  if (outcome.kind === 'sent') return continueFlow(services, step, state)
  await services.domain.store.flows.saveState(userPool.id, step.flow.idHash, state)
  showSignInCodePage(services, step, state.pending, { alert: limitAlert(step, outcome.limited) })
}

const askForCode = (step: FormStep, username: string, factor: FirstCode): Promise<RequestSignInCodeOutcome> =>
  requestSignInCode(step.domain, {
    userPool: step.tenant.snapshot.userPool,
    appClient: step.appClient,
    factor,
    username,
    languages: step.languages,
    browserHash: knownBrowserHash(step),
    origin: {
      signInLinkUrl: tenantUrl(step.tenant, pagePaths.signInLink),
      clientId: step.appClient.id,
      browserHash: sha256(step.browser),
      flowId: step.flowId,
    },
  })

/** The cool-down shown begins now: an address without account has none to remember (threat row B13). */
function stateAfter(
  services: HostedServices,
  step: FormStep,
  username: string,
  factor: FirstCode,
  { userSub, delivery }: Exclude<RequestSignInCodeOutcome, { kind: 'refused' }>,
): FlowState & { pending: PendingSignInCode } {
  const { request: asked, staySignedIn } = step.flow.state
  const kept = step.form.has('username') ? staySignedInOf(step) : staySignedIn === undefined ? {} : { staySignedIn }
  const pending = {
    kind: 'signInCode',
    factor,
    ...(userSub === undefined ? {} : { userSub }),
    destination: delivery.destination,
    sentAt: services.domain.clock.now().getTime(),
  } as const
  return { request: asked, chosen: 'login', username, ...kept, pending }
}

/** Asks for another code under the name that was typed; the domain keeps the cool-down, and so does the page. */
export async function resendSignInCode(
  services: HostedServices,
  step: FormStep,
  pending: PendingSignInCode,
): Promise<void> {
  const { username = '' } = step.flow.state
  const isEarly = cooldownLeft(new Date(pending.sentAt), services.domain.clock.now()) > 0
  if (isEarly) return redirect(step.ctx, pageUrl(step, 'signInCode'))
  const outcome = await askForCode(step, username, pending.factor)
  if (outcome.kind !== 'sent') {
    const limited = outcome.kind === 'notSent' ? outcome.limited : outcome
    return showSignInCodePage(services, step, pending, { alert: limitAlert(step, limited) })
  }
  await continueFlow(services, step, stateAfter(services, step, username, pending.factor, outcome), 'codeResent')
}

async function confirm(services: HostedServices, step: FormStep, pending: PendingSignInCode): Promise<void> {
  const { locale, flow } = step
  const code = step.form.get('code') ?? ''
  if (code.trim() === '') return showSignInCodePage(services, step, pending, { error: locale.text('fieldErrors.code') })
  const { request: asked, username = '' } = flow.state
  const outcome = await confirmSignInCode(step.domain, {
    ...signInContext(step),
    factor: pending.factor,
    userSub: pending.userSub,
    username,
    code,
    browserHash: knownBrowserHash(step),
  })
  const state = { request: asked, chosen: 'login', username } as const
  if (outcome.kind !== 'refused') return continueFlow(services, step, signInState(state, outcome))
  if (outcome.reason === 'otherFactorNeeded') return continueFlow(services, step, state, 'otherFactorNeeded')
  if (outcome.reason === 'limitExceeded') {
    return showSignInCodePage(services, step, pending, { alert: limitAlert(step, outcome) })
  }
  showSignInCodePage(services, step, pending, { error: codeError(step, outcome) })
}
