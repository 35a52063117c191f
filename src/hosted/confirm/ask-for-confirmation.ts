import type { FlowState } from '../../domain/sessions/flow.ts'
import type { DecoySignUp } from '../../domain/sign-up/decoy-sign-up.ts'
import { attributeToVerify } from '../../domain/sign-up/attribute-to-verify.ts'
import { maskDestination } from '../../domain/messages/email-address.ts'
import { goesByLink } from '../../domain/verification-codes/issue-code.ts'
import type { UserPool } from '../../domain/user-pools/user-pool.ts'
import type { User } from '../../domain/users/user.ts'
import { showErrorPage } from '../error/error.page.ts'
import type { HostedServices } from '../hosted-services.ts'
import { askForCode } from './ask-for-code.ts'
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
  whose: { user: User } | { decoy: DecoySignUp },
): Promise<void> {
  const { userPool } = step.tenant.snapshot
  const proof = 'user' in whose ? await proofOf(services, userPool, whose.user) : whose.decoy
  const { attribute, destination: address } = proof
  if (attribute === undefined || address === undefined) {
    return showErrorPage(services, step.ctx, 'awaitingApproval', { status: 200 })
  }
  const sub = 'user' in whose ? { userSub: whose.user.sub } : { decoySub: whose.decoy.sub }
  await askForCode(step, sub, state.username ?? '')
  const destination = maskDestination(attribute === 'email' ? 'EMAIL' : 'SMS', address)
  const sentAt = services.domain.clock.now().getTime()
  const origin = confirmationOrigin(step)
  const byLink = goesByLink({ userPool, attribute, origin, purpose: 'sign_up' }) ? { byLink: true as const } : {}
  const pending = { kind: 'confirm', ...sub, destination, passwordProved: true, ...byLink, sentAt } as const
  await continueFlow(
    services,
    step,
    { ...state, pending },
    pending.byLink ? 'userNotConfirmedLink' : 'userNotConfirmed',
  )
}

async function proofOf(
  { domain }: HostedServices,
  userPool: UserPool,
  user: User,
): Promise<Pick<DecoySignUp, 'attribute' | 'destination'>> {
  const attribute = await attributeToVerify(domain.store, userPool, user)
  const destination = attribute && user.attributes[attribute]
  return attribute === undefined || destination === undefined ? {} : { attribute, destination }
}
