import type { LimitExceeded } from '../domain/rate-limits/rate-limits.ts'
import { showErrorPage } from './error/error.page.ts'
import type { HostedServices } from './hosted-services.ts'
import { pageUrl } from './step.ts'
import type { Step } from './step.ts'

/** Too many codes were asked for in the middle of a sign-in: a page of its own, since nothing was typed that could be lost. */
export function tellLimited(services: HostedServices, step: Step, { retryAfterSeconds }: LimitExceeded): undefined {
  step.ctx.set('Retry-After', String(retryAfterSeconds))
  return showErrorPage(services, step.ctx, 'tooMany', { status: 429, signIn: pageUrl(step, 'login') })
}
