import { appHome } from '../../domain/app-clients/app-home.ts'
import { maskDestination } from '../../domain/messages/email-address.ts'
import type { AttemptsExceeded } from '../../domain/lock-out/lock-out.ts'
import type { LimitExceeded } from '../../domain/rate-limits/rate-limits.ts'
import type { FollowedLink, LinkProblem, LinkState } from '../../domain/sign-up/confirm-by-link.ts'
import { nameToSignInWith } from '../../domain/users/sign-in-name.ts'
import type { ConfirmUserPage } from '../../platform/views/page-contexts.ts'
import type { Alert } from '../../platform/views/page-parts.ts'
import { csrfToken } from '../../security/csrf.ts'
import { limitAlert, tellToWait } from '../attempts-exceeded.ts'
import { showErrorPage } from '../error/error.page.ts'
import type { ErrorKey } from '../error/error.page.ts'
import type { HostedServices } from '../hosted-services.ts'
import { linkPageRequest } from '../link-visit.ts'
import type { LinkVisit } from '../link-visit.ts'
import { stepOf } from '../open-step.ts'
import { newPasswordField } from '../password-field.ts'
import type { ShownPassword } from '../password-field.ts'
import { pagePaths } from '../paths.ts'
import { errorAlert, showPage } from '../render.ts'
import type { PageRequest } from '../render.ts'
import { pageUrl } from '../step.ts'
import type { Step } from '../step.ts'

/** One request to the page of a link. */
export interface LinkStep extends LinkVisit, FollowedLink {}

/** What a form of this link is bound to, beside the browser. */
export const csrfSubject = ({ clientId, username, code }: LinkStep): string =>
  JSON.stringify(['confirmUser', clientId, username, code])

const parametersOf = ({ clientId, username, code }: LinkStep): Record<string, string> => ({
  client_id: clientId,
  user_name: username,
  confirmation_code: code,
})

/** The page itself, as the mail links to it. */
export const linkAddress = (step: LinkStep, more: Record<string, string> = {}): string =>
  `${step.tenant.basePath}${pagePaths.confirmUser}?${new URLSearchParams({ ...parametersOf(step), ...more }).toString()}`

const pageRequest = (step: LinkStep, more: Record<string, string> = {}): PageRequest =>
  linkPageRequest(step, (lang) => linkAddress(step, { ...more, lang }))

const choose = { choose: 'password' }

/** @param shown.choosing somebody at another browser who does not know the password of the sign-up sets a new one */
export async function showConfirmUserPage(
  services: HostedServices,
  step: LinkStep,
  state: Extract<LinkState, { kind: 'open' }>,
  shown: ShownPassword & {
    choosing: boolean
    incorrect?: boolean
    locked?: AttemptsExceeded | LimitExceeded
  },
): Promise<void> {
  const { locale, userPool } = step
  const { empty = false, incorrect = false, locked, broken = [] } = shown
  const choosing = shown.choosing && !state.sameBrowser
  const wrong = empty ? 'fieldErrors.password' : incorrect ? 'confirmUser.passwordWrong' : undefined
  const password = wrong === undefined ? {} : { error: locale.text(wrong) }
  const parts: Pick<ConfirmUserPage, 'password' | 'newPassword' | 'links'> = state.sameBrowser
    ? { links: {} }
    : choosing
      ? { newPassword: newPasswordField(userPool, locale, shown), links: { back: linkAddress(step) } }
      : { password, links: { choose: linkAddress(step, choose) } }
  const hidden = { ...parametersOf(step), ...(choosing ? choose : {}) }
  const failed = empty || incorrect || broken.length > 0
  const waiting = await waitingFlow(services, step, state)
  // The form may lead on to the app, and the browser's policy looks at the whole way.
  const redirectUri = waiting?.flow.state.request['redirect_uri']
  showPage(
    services,
    { ...pageRequest(step, choosing ? choose : {}), redirectUri },
    'pages/confirm-user',
    'confirmUser',
    {
      form: {
        action: `${step.tenant.basePath}${pagePaths.confirmUser}?${new URLSearchParams({ client_id: step.clientId }).toString()}`,
        csrf: csrfToken(services.domain.sealedBox, step.browser, csrfSubject(step)),
      },
      hidden: Object.entries(hidden).map(([name, value]) => ({ name, value })),
      destination: maskDestination('EMAIL', state.destination),
      username: { value: nameToSignInWith(userPool, state.user) },
      ...parts,
      alert: alertOf(step, failed, locked),
    },
  )
}

function alertOf(
  step: LinkStep,
  failed: boolean,
  locked: AttemptsExceeded | LimitExceeded | undefined,
): Alert | undefined {
  if (locked === undefined) return failed ? errorAlert(step.locale.text('outcomes.checkFields')) : undefined
  if (locked.reason === 'limitExceeded') return limitAlert(step, locked)
  return errorAlert(tellToWait(step, locked, 'limits.passwordAttemptsExceeded', 'limits.tryAgain'))
}

const errorKeys: Readonly<Record<Exclude<LinkProblem, 'alreadyConfirmed'>, ErrorKey>> = {
  wrong: 'linkWrong',
  expired: 'linkExpired',
  superseded: 'linkSuperseded',
  signUpGone: 'linkSignUpGone',
  userDisabled: 'userDisabled',
  addressTaken: 'linkAddressTaken',
}

/** What became of the link, and the way on: the flow that waits in this browser, else the app, which begins a sign-in. */
export async function showClosedLink(
  services: HostedServices,
  step: LinkStep,
  state: Extract<LinkState, { kind: 'closed' }>,
): Promise<void> {
  const { ctx, appClient } = step
  const { reason } = state
  const waiting = await waitingFlow(services, step, state)
  const home = appHome(appClient)
  if (reason === 'alreadyConfirmed') {
    const login = waiting === undefined ? home : pageUrl(waiting, 'login')
    const links = login === undefined ? {} : { login }
    return showPage(services, pageRequest(step), 'pages/confirmed-user', 'confirmedUser', { links })
  }
  const signIn = waiting === undefined ? home : pageUrl(waiting, 'confirm')
  const leadsOn = signIn !== undefined && reason !== 'userDisabled' && reason !== 'wrong'
  showErrorPage(services, ctx, errorKeys[reason], { status: 400, ...(leadsOn ? { signIn } : {}) })
}

const waitingFlow = async (
  services: HostedServices,
  { ctx, tenant }: LinkStep,
  { flowId }: { flowId?: string },
): Promise<Step | undefined> => (flowId === undefined ? undefined : stepOf(services, ctx, tenant, flowId))
