import type { AttemptsExceeded } from '../../domain/lock-out/lock-out.ts'
import type { LimitExceeded } from '../../domain/rate-limits/rate-limits.ts'
import { limitAlert, tellToWait } from '../attempts-exceeded.ts'
import { availableProviders, mayUseLocalAccounts } from '../../domain/app-clients/sign-in-methods.ts'
import { isolated } from '../isolated.ts'
import { offersCustomAuth } from '../../domain/custom-auth/custom-sign-in.ts'
import { offeredFirstCodes } from '../../domain/passwordless/first-code.ts'
import type { ViewContexts } from '../../platform/views/page-contexts.ts'
import type { HostedServices } from '../hosted-services.ts'
import type { Alert } from '../../platform/views/page-parts.ts'
import { errorAlert, formOf, noticeOf, pageRequest, showPage } from '../render.ts'
import { passkeySignIn } from '../passkey/passkey-parts.ts'
import { staySignedInField } from '../stay-signed-in.ts'
import { pageUrl } from '../step.ts'
import type { Step } from '../step.ts'
import { usernameField } from '../username-field.ts'

/** What was typed survives an error, the password aside. */
export async function showLoginPage(
  services: HostedServices,
  step: Step,
  shown: {
    username: string
    refusal?:
      | 'incorrectCredentials'
      | 'userNotFound'
      | 'userDisabled'
      | 'temporaryPasswordExpired'
      | 'passkeyUnknown'
      | 'passkeyRefused'
    /** The id of a passkey that is none any more. */
    unknownPasskey?: string
    locked?: AttemptsExceeded | LimitExceeded
    missing?: { username: boolean; password: boolean }
  },
): Promise<void> {
  const { locale, tenant } = step
  const { userPool } = tenant.snapshot
  const missing = shown.missing
  const usernameError = missing?.username === true ? locale.text('fieldErrors.required') : undefined
  const passwordError = missing?.password === true ? { error: locale.text('fieldErrors.password') } : {}
  const local = mayUseLocalAccounts(step.appClient)
  const passkey = local ? await passkeySignIn(services, step, shown.unknownPasskey) : undefined
  const username = usernameField(userPool, locale, shown.username, usernameError)
  showPage(services, pageRequest(step), 'pages/login', 'login', {
    form: formOf(services, step, 'login'),
    // WebAuthn §5.1.11: where passkeys are offered in the list of a field.
    username: passkey === undefined ? username : { ...username, autocomplete: `${username.autocomplete} webauthn` },
    ...(passkey === undefined ? {} : { passkey }),
    password: passwordError,
    ...codesFor(services, step),
    ...customFor(services, step),
    ...staySignedInField(step),
    local,
    providers: providersFor(step),
    links: {
      ...(userPool.allowAdminCreateUserOnly || !local ? {} : { signUp: pageUrl(step, 'signUp') }),
      ...(canRecover(step) ? { forgotPassword: pageUrl(step, 'forgotPassword') } : {}),
    },
    alert: alertOf(step, shown),
  })
}

/** Links, not forms: the page's policy lets no form end at another site. */
const providersFor = (step: Step): ViewContexts['pages/login']['providers'] =>
  availableProviders(step.tenant.snapshot.userPool, step.appClient).map(({ name }) => ({
    href: `${pageUrl(step, 'identityProvider')}&${new URLSearchParams({ provider: name }).toString()}`,
    label: step.locale.text('login.providers.continueWith', { provider: isolated(name) }),
  }))

/** Buttons of the same form: they take the name that is typed there. */
function codesFor(services: HostedServices, step: Step): Pick<ViewContexts['pages/login'], 'codes'> {
  const offered = offeredFirstCodes(step.tenant.snapshot.userPool, step.appClient)
  if (offered.length === 0) return {}
  const factors = offered.map((type) => ({ type, label: step.locale.text(`login.codes.${type}`) }))
  return { codes: { action: formOf(services, step, 'requestSignInCode').action, factors } }
}

const customFor = (services: HostedServices, step: Step): Pick<ViewContexts['pages/login'], 'custom'> =>
  offersCustomAuth(step.tenant.snapshot.userPool, step.appClient)
    ? { custom: { action: formOf(services, step, 'customSignIn').action } }
    : {}

function alertOf(
  step: Step,
  { refusal, locked }: { refusal?: string; locked?: AttemptsExceeded | LimitExceeded },
): Alert | undefined {
  if (refusal !== undefined) return errorAlert(step.locale.text(`outcomes.${refusal}`))
  const { problem } = step.flow.state
  if (locked === undefined) return problem === undefined ? noticeOf(step) : errorAlert(problem)
  if (locked.reason === 'limitExceeded') return limitAlert(step, locked)
  const wayRound = canRecover(step) ? ['limits.resetInstead'] : []
  return errorAlert(tellToWait(step, locked, 'limits.passwordAttemptsExceeded', 'limits.tryAgain', ...wayRound))
}

/** Cognito: no reset link where recovery is an administrator's alone. */
const canRecover = (step: Step): boolean =>
  step.tenant.snapshot.userPool.recoveryMechanisms.some((mechanism) => mechanism !== 'admin_only')
