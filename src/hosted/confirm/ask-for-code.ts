import type { PendingConfirmation } from '../../domain/sessions/flow.ts'
import { resendToDecoy } from '../../domain/sign-up/decoy-answers.ts'
import { resendConfirmationCode } from '../../domain/sign-up/resend-confirmation-code.ts'
import type { ResendOutcome } from '../../domain/sign-up/resend-confirmation-code.ts'
import type { Step } from '../step.ts'
import { confirmationOrigin } from './confirmation-origin.ts'
import { signInLink } from './sign-in-link.ts'

/**
 * Another code for a sign-up; for a decoy the same is done, and none is sent.
 * @param username the name that the sign-up was made with
 */
export function askForCode(
  step: Step,
  { userSub, decoySub }: Pick<PendingConfirmation, 'userSub' | 'decoySub'>,
  username: string,
): Promise<ResendOutcome> {
  const { userPool } = step.tenant.snapshot
  const asked = { userPool, clientId: step.appClient.id, username }
  const request = { ...asked, languages: step.languages, origin: confirmationOrigin(step) }
  return userSub === undefined
    ? resendToDecoy(step.domain, { ...request, decoySub, signInLink: signInLink(step) })
    : resendConfirmationCode(step.domain, { ...request, userSub })
}
