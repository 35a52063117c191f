import type { Router } from '@koa/router'
import { signInTime } from '../../domain/sign-in/sign-in-time.ts'
import { signUp } from '../../domain/sign-up/sign-up.ts'
import type { SignUpOutcome } from '../../domain/sign-up/sign-up.ts'
import { epochSeconds } from '../../platform/clock.ts'
import type { HostedServices } from '../hosted-services.ts'
import { pagePaths } from '../paths.ts'
import { continueFlow, openForm, openPage } from '../open-step.ts'
import { confirmationOrigin } from '../confirm/confirmation-origin.ts'
import { signInLink } from '../confirm/sign-in-link.ts'
import { chosenPassword } from '../password-field.ts'
import { staySignedInOf } from '../stay-signed-in.ts'
import type { FormStep, Step } from '../step.ts'
import { unlessDenied } from '../trigger-problem.ts'
import { showErrorPage } from '../error/error.page.ts'
import { showSignUpPage } from './sign-up.page.ts'
import { signUpFieldNames } from './sign-up-fields.ts'

export function signUpRoutes(router: Router, services: HostedServices): void {
  router.get(pagePaths.signUp, async (ctx) => {
    const step = await openPage(services, ctx, 'signUp')
    if (step === undefined) return
    if (step.tenant.snapshot.userPool.allowAdminCreateUserOnly) return leadToLogin(services, step)
    showSignUpPage(services, step, { typed: new Map() })
  })
  router.post(pagePaths.signUp, async (ctx) => {
    const step = await openForm(services, ctx, 'signUp')
    if (step === undefined) return
    const { userPool } = step.tenant.snapshot
    const names = signUpFieldNames(userPool, step.appClient)
    const { pending } = step.flow.state
    const earlierSub = pending?.kind === 'confirm' ? (pending.userSub ?? pending.decoySub) : undefined
    const asked = {
      userPool,
      appClient: step.appClient,
      username: step.form.get('username') ?? '',
      ...chosenPassword(step.form),
      attributes: Object.fromEntries(names.map(({ name }) => [name, (step.form.get(name) ?? '').trim()])),
      languages: step.languages,
      origin: confirmationOrigin(step),
      signInLink: signInLink(step),
      ...(earlierSub === undefined ? {} : { earlierSub }),
    }
    const outcome = await unlessDenied(step, signUp(step.domain, asked))
    if (outcome.kind === 'denied') return showSignUpPage(services, step, { typed: step.form, denied: outcome.told })
    await answer(services, step, outcome)
  })
}

async function answer(services: HostedServices, step: FormStep, outcome: SignUpOutcome): Promise<void> {
  const { request, chosen } = step.flow.state
  const username = step.form.get('username') ?? ''
  switch (outcome.kind) {
    case 'confirm': {
      const { delivery, userSub, decoySub } = outcome
      const pending = {
        kind: 'confirm',
        ...(userSub === undefined ? { decoySub } : { userSub }),
        destination: delivery.destination,
        passwordProved: true,
        ...(delivery.byLink === undefined ? {} : { byLink: delivery.byLink }),
        sentAt: delivery.sentAt.getTime(),
      } as const
      return continueFlow(services, step, { request, chosen, username, ...staySignedInOf(step), pending })
    }
    case 'confirmed': {
      const authTime = epochSeconds(signInTime(outcome.user, services.domain.clock.now()))
      const authenticated = { userSub: outcome.user.sub, authTime, amr: ['pwd'] }
      return continueFlow(services, step, {
        ...{ request, chosen: 'login', username, authenticated },
        ...staySignedInOf(step),
      })
    }
    case 'unconfirmed':
      return showErrorPage(services, step.ctx, 'awaitingApproval', { status: 200 })
    case 'refused':
      if (outcome.reason === 'signUpNotAllowed') return leadToLogin(services, step)
      if (outcome.reason === 'limitExceeded') {
        return showSignUpPage(services, step, { typed: step.form, limited: outcome })
      }
      showSignUpPage(services, step, { typed: step.form, refusal: outcome })
  }
}

/** The domain refuses a sign-up that is not allowed (threat row A9); no form is shown that could only be refused. */
const leadToLogin = (services: HostedServices, step: Step): Promise<void> =>
  continueFlow(services, step, { ...step.flow.state, chosen: 'login' }, 'signUpNotAllowed')
