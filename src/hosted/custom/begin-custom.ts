import { answerCustomChallenge, beginCustomSignIn } from '../../domain/custom-auth/sign-in-by-challenges.ts'
import type { CustomOutcome } from '../../domain/custom-auth/sign-in-by-challenges.ts'
import { sha256 } from '../../security/digest.ts'
import type { HostedServices } from '../hosted-services.ts'
import { knownBrowserHash } from '../known-browser.ts'
import { afterSignIn } from '../login/after-sign-in.ts'
import { tellExpired } from '../mfa/waiting-attempt.ts'
import { continueFlow } from '../open-step.ts'
import { signInContext } from '../sign-in-context.ts'
import { signInState } from '../sign-in-state.ts'
import { staySignedInOf } from '../stay-signed-in.ts'
import type { FormStep } from '../step.ts'

/** Begins a sign-in by custom challenges, on the sign-in page. */
export async function beginCustom(
  services: HostedServices,
  step: FormStep,
  typed: { username: string; password?: string },
): Promise<void> {
  const browserHash = knownBrowserHash(step)
  const outcome = await beginCustomSignIn(step.domain, { ...signInContext(step), ...typed, browserHash })
  await afterCustom(services, step, typed.username, outcome, staySignedInOf(step))
}

/** Answers the question that waits. */
export async function answerCustom(services: HostedServices, step: FormStep, idHash: string): Promise<void> {
  const answer = (step.form.get('answer') ?? '').trim()
  const browserHash = knownBrowserHash(step)
  const outcome = await answerCustomChallenge(step.domain, { ...signInContext(step), idHash, answer, browserHash })
  await afterCustom(services, step, step.flow.state.username ?? '', outcome, {})
}

async function afterCustom(
  services: HostedServices,
  step: FormStep,
  username: string,
  outcome: CustomOutcome,
  more: { staySignedIn?: boolean },
): Promise<void> {
  const { request } = step.flow.state
  const state = { request, chosen: 'login', username, ...more } as const
  switch (outcome.kind) {
    case 'question': {
      const pending = { kind: 'customChallenge', idHash: sha256(outcome.handle) } as const
      return continueFlow(services, step, { ...state, pending })
    }
    case 'done':
    case 'challenge':
      return continueFlow(services, step, {
        ...signInState(state, outcome),
        customSignIn: { userSub: outcome.user.sub },
      })
    case 'refused':
      if (outcome.reason === 'attemptExpired') return tellExpired(services, step)
      return afterSignIn(services, step, username, outcome)
  }
}
