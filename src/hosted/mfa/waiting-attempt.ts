import { isMessaged, isMfaType } from '../../domain/mfa/mfa-type.ts'
import type { MfaType } from '../../domain/mfa/mfa-type.ts'
import { maskDestination } from '../../domain/messages/email-address.ts'
import { openAttempt } from '../../domain/sign-in/open-attempt.ts'
import type { AttemptRequest, OpenAttempt } from '../../domain/sign-in/open-attempt.ts'
import { cooldownLeft } from '../../domain/sign-up/resend-confirmation-code.ts'
import { askedOf } from '../asked-level.ts'
import { showErrorPage } from '../error/error.page.ts'
import type { HostedServices } from '../hosted-services.ts'
import { continueFlow } from '../open-step.ts'
import { pageUrl } from '../step.ts'
import type { Step } from '../step.ts'

/* What the pages of second factors share: the attempt that the flow waits for. */

export function attemptRequest(step: Step): AttemptRequest {
  const { appClient, tenant, flow } = step
  return {
    userPool: tenant.snapshot.userPool,
    appClient,
    attemptIdHash: flow.state.attempt?.idHash ?? '',
    asked: askedOf(step),
  }
}

/**
 * The attempt, if it may still go on and waits for what the flow says; otherwise the answer has been given: another window
 * has led it on, or it is over.
 */
export async function waitingAttempt(services: HostedServices, step: Step): Promise<OpenAttempt | undefined> {
  const open = await openAttempt(step.domain, attemptRequest(step))
  if (open === undefined) return tellExpired(services, step)
  const { state } = step.flow
  const { challenge } = open.attempt
  if (state.attempt?.challenge === challenge) return open
  await continueFlow(services, step, {
    ...state,
    attempt: { idHash: open.attempt.idHash, challenge, missingAttributes: [] },
  })
  return undefined
}

export const tellExpired = (services: HostedServices, step: Step): undefined =>
  showErrorPage(services, step.ctx, 'expiredHere', { status: 400, signIn: pageUrl(step, 'login') })

/** Masked; undefined where nothing is sent. */
export function destinationOf(type: MfaType, address: string | undefined): string | undefined {
  if (!isMessaged(type) || address === undefined) return undefined
  return maskDestination(type === 'SMS_MFA' ? 'SMS' : 'EMAIL', address)
}

/** Seconds until another code may be asked for. */
export const cooldownOf = (services: HostedServices, { attempt }: OpenAttempt): number =>
  attempt.codeSentAt === undefined ? 0 : cooldownLeft(attempt.codeSentAt, services.domain.clock.now())

/** Which factor a form names. */
export function chosenType(step: Step & { form: ReadonlyMap<string, string> }): MfaType | undefined {
  const { type } = step.ctx.query
  const named = step.form.get('type') ?? (typeof type === 'string' ? type : '')
  return isMfaType(named) ? named : undefined
}
