import type { Router } from '@koa/router'
import { chooseMfa } from '../../domain/mfa/choose-mfa.ts'
import { attributeOf, isMessaged } from '../../domain/mfa/mfa-type.ts'
import type { MfaType } from '../../domain/mfa/mfa-type.ts'
import { usableMfaTypes } from '../../domain/mfa/usable-mfa-types.ts'
import type { OpenAttempt } from '../../domain/sign-in/open-attempt.ts'
import type { User } from '../../domain/users/user.ts'
import type { ViewContexts } from '../../platform/views/page-contexts.ts'
import type { HostedServices } from '../hosted-services.ts'
import { continueFlow, openForm, openPage } from '../open-step.ts'
import { pagePaths } from '../paths.ts'
import { errorAlert, formOf, noticeOf, pageRequest, showPage } from '../render.ts'
import { pageUrl } from '../step.ts'
import type { FormStep, Step } from '../step.ts'
import {
  attemptRequest,
  chosenType,
  destinationOf,
  tellExpired,
  tellLimited,
  waitingAttempt,
} from './waiting-attempt.ts'

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
  const usable = usableMfaTypes(step.tenant.snapshot.userPool, open.user)
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

function showSelectMfaPage(services: HostedServices, step: Step, { user }: OpenAttempt, alert?: string): void {
  const usable = usableMfaTypes(step.tenant.snapshot.userPool, user)
  showPage(services, pageRequest(step), 'pages/select-mfa', 'selectMfa', {
    form: formOf(services, step, 'selectMfa'),
    choices: mfaChoices(step, user, usable),
    links: { login: pageUrl(step, 'login') },
    alert: alert === undefined ? noticeOf(step) : errorAlert(step.locale.text(alert)),
  })
}

/** What may be chosen among, with the addresses that codes would go to. */
export const mfaChoices = (
  { locale }: Step,
  user: User,
  types: readonly MfaType[],
): ViewContexts['pages/select-mfa']['choices'] =>
  types.map((type) => {
    const address = isMessaged(type) ? user.attributes[attributeOf[type]] : undefined
    const destination = destinationOf(type, address)
    return { type, name: locale.text(`mfaTypes.${type}.name`), ...(destination === undefined ? {} : { destination }) }
  })
