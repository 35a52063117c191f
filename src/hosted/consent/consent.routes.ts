import type { Router } from '@koa/router'
import type { HostedServices } from '../hosted-services.ts'
import { explainUnfinished } from '../lost-flow.ts'
import { pagePaths } from '../paths.ts'
import { continueFlow, openForm, openPage } from '../open-step.ts'
import { redirect } from '../step.ts'
import type { FormStep, Step } from '../step.ts'
import { askedConsent } from './asked-consent.ts'
import { showConsentPage } from './consent.page.ts'

export function consentRoutes(router: Router, services: HostedServices): void {
  router.get(pagePaths.consent, async (ctx) => {
    const step = await openPage(services, ctx, 'consent')
    if (step === undefined) return
    const asked = await askedConsent(services, step)
    if (asked === undefined) return leadToLogin(services, step)
    showConsentPage(services, step, asked)
  })
  router.post(pagePaths.consent, async (ctx) => {
    const step = await openForm(services, ctx, 'consent')
    if (step !== undefined) await answer(services, step)
  })
}

async function answer(services: HostedServices, step: FormStep): Promise<void> {
  const given = step.form.get('answer')
  if (given === 'deny') return refuse(services, step)
  const asked = await askedConsent(services, step)
  if (asked === undefined) return leadToLogin(services, step)
  if (given !== 'allow' || step.form.get('shown') !== asked.shown) return showConsentPage(services, step, asked)
  await continueFlow(services, step, { ...step.flow.state, consent: 'given' })
}

async function refuse(services: HostedServices, step: FormStep): Promise<void> {
  const location = await services.refuseFlow(step.tenant, step.ctx, step.flow)
  if (location === undefined) return explainUnfinished(services, step)
  redirect(step.ctx, location)
}

const leadToLogin = (services: HostedServices, step: Step): Promise<void> =>
  continueFlow(services, step, { request: step.flow.state.request, chosen: 'login' })
