import { appHome } from '../../domain/app-clients/app-home.ts'
import type { LimitExceeded } from '../../domain/rate-limits/rate-limits.ts'
import type { FollowedResetLink } from '../../domain/recovery/reset-by-link.ts'
import { nameToSignInWith } from '../../domain/users/sign-in-name.ts'
import type { User } from '../../domain/users/user.ts'
import { csrfToken } from '../../security/csrf.ts'
import { limitAlert } from '../attempts-exceeded.ts'
import { showErrorPage } from '../error/error.page.ts'
import type { HostedServices } from '../hosted-services.ts'
import { linkPageRequest } from '../link-visit.ts'
import type { LinkVisit } from '../link-visit.ts'
import { newPasswordField } from '../password-field.ts'
import type { ShownPassword } from '../password-field.ts'
import { pagePaths } from '../paths.ts'
import { errorAlert, showPage } from '../render.ts'

/** One request to the page of a link. */
export interface ResetLinkStep extends LinkVisit, FollowedResetLink {}

const parametersOf = ({ link }: ResetLinkStep): Record<string, string> => ({
  client_id: link.clientId,
  user: link.userSub,
  expires: link.expires,
  signature: link.signature,
})

/** What a form of this link is bound to, beside the browser. */
export const csrfSubject = (step: ResetLinkStep): string => JSON.stringify(['resetLink', parametersOf(step)])

export const resetLinkAddress = (step: ResetLinkStep, more: Record<string, string> = {}): string =>
  `${step.tenant.basePath}${pagePaths.resetLink}?${new URLSearchParams({ ...parametersOf(step), ...more }).toString()}`

/** Where the form posts, and where it leads when it is done; the client is named for its look. */
export const resetLinkPage = ({ tenant, link }: ResetLinkStep, more: Record<string, string> = {}): string =>
  `${tenant.basePath}${pagePaths.resetLink}?${new URLSearchParams({ client_id: link.clientId, ...more }).toString()}`

export function showResetLinkPage(
  services: HostedServices,
  step: ResetLinkStep,
  user: User,
  shown: ShownPassword & { limited?: LimitExceeded } = {},
): void {
  const { locale, userPool } = step
  const { empty = false, broken = [], limited } = shown
  const failed = empty || broken.length > 0 ? errorAlert(locale.text('outcomes.checkFields')) : undefined
  const request = linkPageRequest(step, (lang) => resetLinkAddress(step, { lang }))
  showPage(services, request, 'pages/reset-link', 'resetLink', {
    form: {
      action: resetLinkPage(step),
      csrf: csrfToken(services.domain.sealedBox, step.browser, csrfSubject(step)),
    },
    hidden: Object.entries(parametersOf(step)).map(([name, value]) => ({ name, value })),
    username: { value: nameToSignInWith(userPool, user) },
    password: newPasswordField(userPool, locale, shown),
    alert: limited === undefined ? failed : limitAlert(step, limited),
  })
}

export function showResetDone(services: HostedServices, step: ResetLinkStep): void {
  const home = appHome(step.appClient)
  const request = linkPageRequest(step, (lang) => resetLinkPage(step, { done: '1', lang }))
  showPage(services, request, 'pages/confirmed-user', 'resetDone', { links: home === undefined ? {} : { login: home } })
}

/** Used, too old, overtaken or never ours: which of them is nobody's to know. */
export function showClosedResetLink(services: HostedServices, step: ResetLinkStep): undefined {
  const home = appHome(step.appClient)
  return showErrorPage(services, step.ctx, 'resetLinkClosed', {
    status: 400,
    ...(home === undefined ? {} : { signIn: home }),
  })
}
