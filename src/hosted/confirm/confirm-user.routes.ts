import type { Router } from '@koa/router'
import type { Context } from 'koa'
import { signInTime } from '../../domain/sign-in/sign-in-time.ts'
import { confirmByLink, readConfirmationLink } from '../../domain/sign-up/confirm-by-link.ts'
import type { ConfirmByLinkOutcome, LinkProof, LinkState } from '../../domain/sign-up/confirm-by-link.ts'
import { epochSeconds } from '../../platform/clock.ts'
import { sha256 } from '../../security/digest.ts'
import type { HostedServices } from '../hosted-services.ts'
import { onlyOne, openLinkForm, visitByLink } from '../link-visit.ts'
import { continueFlow, goOnAsBefore, stepOf } from '../open-step.ts'
import { chosenPassword } from '../password-field.ts'
import { pagePaths } from '../paths.ts'
import { redirect } from '../step.ts'
import { csrfSubject, linkAddress, showClosedLink, showConfirmUserPage } from './confirm-user.page.ts'
import type { LinkStep } from './confirm-user.page.ts'

/**
 * Where the link of a mail leads. Opening it changes nothing, since scanners of mail do that before any person does
 * (threat row E10): its form confirms.
 */
export function confirmUserRoutes(router: Router, services: HostedServices): void {
  router.get(pagePaths.confirmUser, async (ctx) => {
    const step = openLink(services, ctx, new URLSearchParams(ctx.querystring))
    if (step === undefined) return
    const state = await readConfirmationLink(step.domain, step)
    if (state.kind === 'closed') return showClosedLink(services, step, state)
    await showConfirmUserPage(services, step, state, { choosing: ctx.query['choose'] === 'password' })
  })
  router.post(pagePaths.confirmUser, async (ctx) => {
    const step = await openLinkForm(services, ctx, {
      open: (parameters) => openLink(services, ctx, parameters),
      csrfSubject,
      address: linkAddress,
    })
    if (step === undefined) return
    const state = await readConfirmationLink(step.domain, step)
    if (state.kind === 'open') return confirm(services, step, state, step.form)
    const { reason, flowId } = state
    const wasPressed = reason === 'alreadyConfirmed' && flowId !== undefined
    if (wasPressed && (await goOnAsBefore(services, ctx, step.tenant, flowId))) return
    await showClosedLink(services, step, state)
  })
}

/** The link as it was followed, if its client is one of this pool's; otherwise the answer has been given. */
function openLink(services: HostedServices, ctx: Context, parameters: URLSearchParams): LinkStep | undefined {
  const clientId = onlyOne(parameters, 'client_id')
  const visit = visitByLink(services, ctx, clientId, 'linkWrong')
  return (
    visit && {
      ...visit,
      clientId,
      username: onlyOne(parameters, 'user_name'),
      code: onlyOne(parameters, 'confirmation_code'),
      browserHash: sha256(visit.browser),
    }
  )
}

type OpenLink = Extract<LinkState, { kind: 'open' }>

async function confirm(
  services: HostedServices,
  step: LinkStep,
  state: OpenLink,
  form: ReadonlyMap<string, string>,
): Promise<void> {
  const proof = proofIn(form)
  const choosing = proof.kind === 'newPassword'
  if (proof.kind !== 'none' && proof.password === '') {
    return showConfirmUserPage(services, step, state, { choosing, empty: true, form })
  }
  const outcome = await confirmByLink(step.domain, { ...step, proof })
  if (outcome.kind === 'done') return goOn(services, step, outcome)
  switch (outcome.reason) {
    case 'invalid':
      return showConfirmUserPage(services, step, state, { choosing, broken: outcome.brokenRules, form })
    case 'passwordNeeded':
      return showConfirmUserPage(services, step, { ...state, sameBrowser: false }, { choosing })
    case 'incorrectPassword':
      return showConfirmUserPage(services, step, state, { choosing, incorrect: true })
    case 'attemptsExceeded':
    case 'limitExceeded':
      return showConfirmUserPage(services, step, state, { choosing, locked: outcome, form })
    default:
      return showClosedLink(services, step, { kind: 'closed', reason: outcome.reason })
  }
}

/** A password is a password whatever else the form has: a page with two fields is none of ours. */
function proofIn(form: ReadonlyMap<string, string>): LinkProof {
  if (!form.has('password')) return { kind: 'none' }
  return { kind: form.get('choose') === 'password' ? 'newPassword' : 'password', ...chosenPassword(form) }
}

/**
 * In the browser that signed up the sign-in goes on and ends at the app: its password was chosen in that very flow. Where no
 * flow waits, the link's own page tells that it is done.
 */
async function goOn(
  services: HostedServices,
  step: LinkStep,
  { user, flowId }: Extract<ConfirmByLinkOutcome, { kind: 'done' }>,
): Promise<void> {
  const waiting = flowId === undefined ? undefined : await stepOf(services, step.ctx, step.tenant, flowId)
  if (waiting === undefined) return redirect(step.ctx, linkAddress(step))
  const { request, username, pending } = waiting.flow.state
  const kept = { request, chosen: 'login', ...(username === undefined ? {} : { username }) } as const
  if (pending?.kind !== 'confirm' || pending.userSub !== user.sub || !pending.passwordProved) {
    return continueFlow(services, waiting, kept, 'confirmed')
  }
  const authTime = epochSeconds(signInTime(user, services.domain.clock.now()))
  await continueFlow(services, waiting, { ...kept, authenticated: { userSub: user.sub, authTime, amr: ['pwd'] } })
}
