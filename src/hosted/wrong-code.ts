import type { PendingConfirmation, PendingReset } from '../domain/sessions/flow.ts'
import { maximumCodeAttempts } from '../domain/verification-codes/verification-code.ts'
import type { CodeRefusal } from '../domain/verification-codes/check-code.ts'
import type { HostedServices } from './hosted-services.ts'
import type { FormStep } from './step.ts'

/**
 * Counts a wrong code of this flow and says what to tell of it. What is told goes by the tries of this flow alone, never
 * by those that the stored code counts: for an address without account there is no code, and a page that never ran out
 * of tries would tell so (threat row B13).
 */
export async function explainWrongCode(
  services: HostedServices,
  step: FormStep,
  pending: PendingConfirmation | PendingReset,
  reason: CodeRefusal,
): Promise<CodeRefusal> {
  if (reason === 'codeExpired') return reason
  const wrongCodes = (pending.wrongCodes ?? 0) + 1
  const { flow, tenant } = step
  const state = { ...flow.state, pending: { ...pending, wrongCodes } }
  await services.domain.store.flows.saveState(tenant.snapshot.userPool.id, flow.idHash, state)
  return wrongCodes > maximumCodeAttempts ? 'limitExceeded' : 'codeMismatch'
}
