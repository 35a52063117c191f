import type { Router } from '@koa/router'
import { chooseMfa } from '../../domain/mfa/choose-mfa.ts'
import { mfaTypesAfter } from '../../domain/mfa/usable-mfa-types.ts'
import { askedOf } from '../asked-level.ts'
import type { HostedServices } from '../hosted-services.ts'
import { continueFlow, openForm, openPage } from '../open-step.ts'
import { pagePaths } from '../paths.ts'
import type { FormStep } from '../step.ts'
import { tellLimited } from '../tell-limited.ts'
import { showSelectMfaPage } from './select-mfa.page.ts'
import { attemptRequest, chosenType, tellExpired, waitingAttempt } from './waiting-attempt.ts'

export function selectMfaRoutes(router: Router, services: HostedServices): void {
  router.get(pagePaths.selectMfa, async (ctx) => {
    const step = await openPage(services, ctx, 'selectMfa')
    const open = step && (await waitingAttempt(services, step))
    if (step !== undefined && open !== undefined) showSelectMfaPage(services, step, open)
  })
  router.post(pagePaths.selectMfa, async (ctx) => {
    const step = await openForm(services, ctx, 'selectMfa')
    if (step !== undefined) await choose(services, step)
  })
}

async function choose(services: HostedServices, step: FormStep): Promise<void> {
  const type = chosenType(step)
  const open = await waitingAttempt(services, step)
  if (open === undefined) return
  const usable = mfaTypesAfter(step.tenant.snapshot.userPool, open.user, open.attempt.amr, askedOf(step))
  if (type === undefined || !usable.includes(type))
    return showSelectMfaPage(services, step, open, 'outcomes.chooseFactor')
  const outcome = await chooseMfa(step.domain, { ...attemptRequest(step), type, languages: step.languages })
  if (outcome.kind === 'refused' && outcome.reason === 'limitExceeded') return tellLimited(services, step, outcome)
  if (outcome.kind === 'refused') return tellExpired(services, step)
  const isAgain = open.attempt.challenge === type
  const attempt = { idHash: open.attempt.idHash, challenge: outcome.challenge, missingAttributes: [] }
  await continueFlow(
    services,
    step,
    { ...step.flow.state, attempt },
    isAgain && outcome.sent ? 'codeResent' : undefined,
  )
}
