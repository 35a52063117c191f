import type { FlowState } from '../../domain/sessions/flow.ts'
import { resendConfirmationCode } from '../../domain/sign-up/resend-confirmation-code.ts'
import { attributeToVerify } from '../../domain/sign-up/attribute-to-verify.ts'
import { maskDestination } from '../../domain/messages/email-address.ts'
import { goesByLink } from '../../domain/verification-codes/issue-code.ts'
import type { User } from '../../domain/users/user.ts'
import { showErrorPage } from '../error/error.page.ts'
import type { HostedServices } from '../hosted-services.ts'
import { confirmationOrigin } from './confirmation-origin.ts'
import { continueFlow } from '../open-step.ts'
import type { FormStep } from '../step.ts'

/**
 * A right password for a sign-up that never finished: a fresh code, unless one went out a moment ago, and the page to
 * enter it. The password has been proved, so the code signs in.
 */
export async function askForConfirmation(
  services: HostedServices,
  step: FormStep,
  state: FlowState,
  user: User,
): Promise<void> {
  const { userPool } = step.tenant.snapshot
  const attribute = await attributeToVerify(services.domain.store, userPool, user)
  const address = attribute && user.attributes[attribute]
  if (attribute === undefined || address === undefined) {
    return showErrorPage(services, step.ctx, 'awaitingApproval', { status: 200 })
  }
  const origin = confirmationOrigin(step)
  await resendConfirmationCode(step.domain, {
    userPool,
    clientId: step.appClient.id,
    userSub: user.sub,
    username: state.username ?? user.username,
    languages: step.languages,
    origin,
  })
  const destination = maskDestination(attribute === 'email' ? 'EMAIL' : 'SMS', address)
  const sentAt = services.domain.clock.now().getTime()
  const byLink = goesByLink({ userPool, attribute, origin, purpose: 'sign_up' }) ? { byLink: true as const } : {}
  const pending = { kind: 'confirm', userSub: user.sub, destination, passwordProved: true, ...byLink, sentAt } as const
  await continueFlow(
    services,
    step,
    { ...state, pending },
    pending.byLink ? 'userNotConfirmedLink' : 'userNotConfirmed',
  )
}
