import type { Context, Next } from 'koa'
import { TriggerFailure } from '../domain/triggers/trigger-failure.ts'
import { showErrorPage } from './error/error.page.ts'
import type { HostedServices } from './hosted-services.ts'
import { continueFlow } from './open-step.ts'
import type { FormStep, Step } from './step.ts'

/* What a person is told of a trigger that stands in their way. */

/** What it has thrown, which is for them (Cognito shows it above the form), else that it may work in a moment. */
const toldOf = ({ locale }: Pick<Step, 'locale'>, { told }: TriggerFailure): string =>
  told ?? locale.text('outcomes.triggerFailed')

/** For a form whose fields must not be lost: it says so itself. */
export async function unlessDenied<Result>(
  step: Step,
  work: Promise<Result>,
): Promise<Result | { kind: 'denied'; told: string }> {
  try {
    return await work
  } catch (error) {
    if (!(error instanceof TriggerFailure)) throw error
    return { kind: 'denied', told: toldOf(step, error) }
  }
}

/** For all others: back to the sign-in page, which says it above the form. Without a flow a page of its own does. */
export const explainTriggers = (services: HostedServices) =>
  async function explainTriggers(ctx: Context, next: Next): Promise<void> {
    try {
      await next()
    } catch (error) {
      if (!(error instanceof TriggerFailure)) throw error
      const { step } = ctx.state as { step?: Step | FormStep }
      const key = error.kind === 'denied' ? 'triggerDenied' : 'triggerFailed'
      if (step === undefined) {
        return showErrorPage(services, ctx, key, {
          status: error.kind === 'denied' ? 400 : 503,
          ...(error.told === undefined ? {} : { text: error.told }),
        })
      }
      await tellTriggerFailure(services, step, error)
    }
  }

/** Back to the sign-in page, which says it above the form. */
export async function tellTriggerFailure(
  services: HostedServices,
  step: Step | FormStep,
  error: TriggerFailure,
): Promise<void> {
  const { request, username } = step.flow.state
  const typed = 'form' in step ? step.form.get('username') : undefined
  const name = typed ?? username
  await continueFlow(services, step, {
    ...{ request, chosen: 'login', problem: toldOf(step, error) },
    ...(name === undefined ? {} : { username: name }),
  })
}
