import type { Resend } from '../platform/views/page-parts.ts'
import { pagePaths } from './paths.ts'
import type { Step } from './step.ts'

/** The "send a new code" form: without script its button works at any time, and the server keeps the cool-down. */
export const resendOf = (step: Step, waitKey: string, waitSeconds: number, action = resendCodeUrl(step)): Resend => ({
  action,
  waitSeconds,
  available: true,
  countdown: step.locale.countdown(waitKey, waitSeconds),
})

const resendCodeUrl = ({ tenant, appClient }: Step): string =>
  `${tenant.basePath}${pagePaths.resendCode}?${new URLSearchParams({ client_id: appClient.id }).toString()}`
