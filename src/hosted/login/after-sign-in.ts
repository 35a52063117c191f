import type { SignInOutcome } from '../../domain/sign-in/sign-in.ts'
import { askForConfirmation } from '../confirm/ask-for-confirmation.ts'
import type { HostedServices } from '../hosted-services.ts'
import { continueFlow } from '../open-step.ts'
import { signInState } from '../sign-in-state.ts'
import { staySignedInOf } from '../stay-signed-in.ts'
import type { FormStep } from '../step.ts'
import { showLoginPage } from './login.page.ts'

/** Where a sign-in leads that was begun on the sign-in page. */
export async function afterSignIn(
  services: HostedServices,
  step: FormStep,
  username: string,
  outcome: SignInOutcome,
): Promise<void> {
  const { request, chosen } = step.flow.state
  const state = { request, chosen, username, ...staySignedInOf(step) }
  if (outcome.kind !== 'refused') return continueFlow(services, step, signInState(state, outcome))
  if (outcome.reason === 'userNotConfirmed') return askForConfirmation(services, step, state, outcome)
  if (outcome.reason === 'passwordResetRequired') {
    return continueFlow(services, step, { ...state, chosen: 'forgotPassword' }, 'passwordResetRequired')
  }
  if (outcome.reason === 'attemptsExceeded' || outcome.reason === 'limitExceeded')
    return showLoginPage(services, step, { username, locked: outcome })
  await showLoginPage(services, step, { username, refusal: outcome.reason })
}
