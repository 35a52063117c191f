import type { Router } from '@koa/router'
import { addPasskey } from '../../domain/passkeys/own-passkeys.ts'
import type { User } from '../../domain/users/user.ts'
import { epochSeconds } from '../../platform/clock.ts'
import { browserText } from '../browser-text.ts'
import type { HostedServices } from '../hosted-services.ts'
import { continueFlow, openForm, openPage } from '../open-step.ts'
import { pagePaths } from '../paths.ts'
import { errorAlert, formOf, pageRequest, showPage } from '../render.ts'
import type { Step } from '../step.ts'
import { askLater } from './offers-passkey.ts'
import { addCeremony, passkeyCreation } from './passkey-parts.ts'

/** Longer ago, a sign-in is no proof that it is still the same person who sits there (threat row B18). */
const freshSeconds = 15 * 60

/** Whoever has just signed in may have it easier the next time. */
export function passkeyOfferRoutes(router: Router, services: HostedServices): void {
  router.get(pagePaths.passkeyOffer, async (ctx) => {
    const step = await openPage(services, ctx, 'passkeyOffer')
    if (step !== undefined) await show(services, step)
  })
  router.post(pagePaths.passkeyOffer, async (ctx) => {
    const step = await openForm(services, ctx, 'passkeyOffer')
    if (step === undefined) return
    const user = await freshlySignedIn(services, step)
    if (step.form.has('later')) askLater(step)
    else if (user !== undefined) {
      const ceremony = addCeremony(step, user)
      const credential = step.form.get('credential') ?? ''
      const { userPool } = step.tenant.snapshot
      const name = browserText(step, ctx.get('User-Agent'))
      const outcome = ceremony && (await addPasskey(step.domain, { userPool, user, ceremony, credential, name }))
      if (outcome?.kind !== 'done') return show(services, step, 'outcomes.passkeyNotMade')
    }
    await continueFlow(services, step, { ...step.flow.state, passkeyOffer: 'done' })
  })
}

async function freshlySignedIn(services: HostedServices, { domain, flow, tenant }: Step): Promise<User | undefined> {
  const { authenticated } = flow.state
  if (authenticated === undefined) return undefined
  if (epochSeconds(services.domain.clock.now()) - authenticated.authTime > freshSeconds) return undefined
  return domain.store.users.findBySub(tenant.snapshot.userPool.id, authenticated.userSub)
}

async function show(services: HostedServices, step: Step, error?: string): Promise<void> {
  const user = await freshlySignedIn(services, step)
  const form = formOf(services, step, 'passkeyOffer')
  const passkey = user && (await passkeyCreation(services, step, user, [], form))
  if (passkey === undefined) return continueFlow(services, step, { ...step.flow.state, passkeyOffer: 'done' })
  showPage(services, pageRequest(step), 'pages/passkey-offer', 'passkeyOffer', {
    form,
    passkey,
    alert: error === undefined ? undefined : errorAlert(step.locale.text(error)),
  })
}
