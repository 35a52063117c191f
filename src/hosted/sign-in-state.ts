import type { FlowState } from '../domain/sessions/flow.ts'
import type { Challenged, SignedIn } from '../domain/sign-in/advance.ts'
import { epochSeconds } from '../platform/clock.ts'
import { sha256 } from '../security/digest.ts'

/** What a flow holds of a sign-in that has come a step further: at its end, or before the next challenge. */
export function signInState(state: FlowState, outcome: SignedIn | Challenged): FlowState {
  const { attempt: _attempt, authenticated: _authenticated, ...kept } = state
  if (outcome.kind === 'done') {
    const { user, authTime, amr } = outcome
    const time = state.stepUp?.authTime ?? epochSeconds(authTime)
    return { ...kept, authenticated: { userSub: user.sub, authTime: time, amr } }
  }
  const { handle, challenge, missingAttributes } = outcome
  return { ...kept, attempt: { idHash: sha256(handle), challenge, missingAttributes } }
}
