import type { Router } from '@koa/router'
import type { Context } from 'koa'
import { mayUseLocalAccounts } from '../../domain/app-clients/sign-in-methods.ts'
import { signInTime } from '../../domain/sign-in/sign-in-time.ts'
import { confirmByLink, readConfirmationLink } from '../../domain/sign-up/confirm-by-link.ts'
import type { ConfirmByLinkOutcome, LinkProof, LinkState } from '../../domain/sign-up/confirm-by-link.ts'
import { browserHandle } from '../../oidc/interaction.ts'
import { epochSeconds } from '../../platform/clock.ts'
import { askedBy } from '../../platform/http/caller.ts'
import { readForm } from '../../platform/http/read-form.ts'
import { csrfMatches } from '../../security/csrf.ts'
import { sha256 } from '../../security/digest.ts'
import { showErrorPage } from '../error/error.page.ts'
import type { HostedServices } from '../hosted-services.ts'
import { languagesOf, rememberLanguage } from '../language.ts'
import { continueFlow, stepOf } from '../open-step.ts'
import { pagePaths } from '../paths.ts'
import { redirect, tenantOf } from '../step.ts'
import { csrfSubject, linkAddress, showClosedLink, showConfirmUserPage } from './confirm-user.page.ts'
import type { LinkStep } from './confirm-user.page.ts'

const maximumFormBytes = 16 * 1024

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
    const body = await readForm(ctx.req, maximumFormBytes)
    if (!body.ok) return showErrorPage(services, ctx, 'invalidRequest', { status: body.problem === 'size' ? 413 : 400 })
    const step = openLink(services, ctx, new URLSearchParams([...body.form]))
    if (step === undefined) return
    const subject = csrfSubject(step)
    if (!csrfMatches(services.domain.sealedBox, step.browser, subject, body.form.get('_csrf') ?? '')) {
      return showErrorPage(services, ctx, 'csrf', { status: 403, back: linkAddress(step) })
    }
    const state = await readConfirmationLink(step.domain, step)
    if (state.kind === 'closed') return showClosedLink(services, step, state)
    await confirm(services, step, state, body.form)
  })
}

/** The link as it was followed, if its client is one of this pool's; otherwise the answer has been given. */
function openLink(services: HostedServices, ctx: Context, parameters: URLSearchParams): LinkStep | undefined {
  const tenant = tenantOf(ctx)
  const single = (name: string): string => {
    const values = parameters.getAll(name)
    return values.length === 1 ? (values[0] ?? '') : ''
  }
  rememberLanguage(ctx, tenant.secure)
  const clientId = single('client_id')
  const appClient = tenant.snapshot.appClients.get(clientId)
  if (appClient === undefined) return showErrorPage(services, ctx, 'linkWrong', { status: 400 })
  if (!mayUseLocalAccounts(appClient)) return showErrorPage(services, ctx, 'noSignInMethod', { status: 400 })
  const browser = browserHandle(services.domain, tenant, ctx)
  return {
    ctx,
    tenant,
    appClient,
    browser,
    domain: askedBy(services.domain, ctx.req, { clientId }),
    locale: services.catalogue.locale(languagesOf(ctx, {})),
    userPool: tenant.snapshot.userPool,
    clientId,
    username: single('user_name'),
    code: single('confirmation_code'),
    browserHash: sha256(browser),
  }
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
    return showConfirmUserPage(services, step, state, { choosing, empty: true })
  }
  const outcome = await confirmByLink(step.domain, { ...step, proof })
  if (outcome.kind === 'done') return goOn(services, step, outcome)
  switch (outcome.reason) {
    case 'invalid':
      return showConfirmUserPage(services, step, state, { choosing, broken: outcome.brokenRules })
    case 'passwordNeeded':
      return showConfirmUserPage(services, step, { ...state, sameBrowser: false }, { choosing })
    case 'incorrectPassword':
      return showConfirmUserPage(services, step, state, { choosing, incorrect: true })
    case 'attemptsExceeded':
    case 'limitExceeded':
      return showConfirmUserPage(services, step, state, { choosing, locked: outcome })
    default:
      return showClosedLink(services, step, { kind: 'closed', reason: outcome.reason })
  }
}

/** A password is a password whatever else the form has: a page with two fields is none of ours. */
function proofIn(form: ReadonlyMap<string, string>): LinkProof {
  const password = form.get('password')
  if (password === undefined) return { kind: 'none' }
  return { kind: form.get('choose') === 'password' ? 'newPassword' : 'password', password }
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
