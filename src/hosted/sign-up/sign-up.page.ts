import type { LimitExceeded } from '../../domain/rate-limits/rate-limits.ts'
import type { SignUpRefusal } from '../../domain/sign-up/sign-up.ts'
import type { SignInNameProblem } from '../../domain/users/sign-in-name.ts'
import type { Alert, Field } from '../../platform/views/page-parts.ts'
import { limitAlert } from '../attempts-exceeded.ts'
import { attributeField } from '../attribute-fields.ts'
import type { HostedServices } from '../hosted-services.ts'
import { newPasswordField } from '../password-field.ts'
import { errorAlert, formOf, noticeOf, pageRequest, showPage } from '../render.ts'
import { staySignedInField } from '../stay-signed-in.ts'
import { pageUrl } from '../step.ts'
import type { Step } from '../step.ts'
import { usernameField } from '../username-field.ts'
import { signUpFieldNames } from './sign-up-fields.ts'
import { termsLine } from './terms-line.ts'

export function showSignUpPage(
  services: HostedServices,
  step: Step,
  shown: { typed: ReadonlyMap<string, string>; refusal?: SignUpRefusal; limited?: LimitExceeded; denied?: string },
): void {
  const { locale, tenant } = step
  const { userPool } = tenant.snapshot
  const { typed, refusal } = shown
  const empty = refusal !== undefined && (typed.get('password') ?? '') === ''
  const attributes = signUpFieldNames(userPool, step.appClient).map(({ name, required }) =>
    attributeField(locale, name, typed.get(name) ?? '', { required, problem: refusal?.attributeProblems[name] }),
  )
  const terms = termsLine(step)
  showPage(services, pageRequest(step), 'pages/sign-up', 'signUp', {
    form: formOf(services, step, 'signUp'),
    fields: [usernameSignUpField(step, typed.get('username') ?? '', refusal), ...attributes],
    password: newPasswordField(userPool, locale, { broken: refusal?.brokenRules, empty, form: typed }),
    ...staySignedInField(step),
    ...(terms === undefined ? {} : { terms }),
    links: { login: pageUrl(step, 'login') },
    alert: alertOf(step, shown),
  })
}

function alertOf(
  step: Step,
  shown: { refusal?: SignUpRefusal; limited?: LimitExceeded; denied?: string },
): Alert | undefined {
  if (shown.denied !== undefined) return errorAlert(shown.denied)
  if (shown.limited !== undefined) return limitAlert(step, shown.limited)
  return shown.refusal === undefined ? noticeOf(step) : errorAlert(step.locale.text('outcomes.checkFields'))
}

const problemKeys: Record<SignInNameProblem, string> = {
  email: 'email',
  phone: 'phone',
  emailOrPhone: 'email',
  invalid: 'usernameCharacters',
  looksLikeEmail: 'usernameLooksLikeEmail',
  looksLikePhone: 'usernameLooksLikePhone',
}

function usernameSignUpField(step: Step, value: string, refusal: SignUpRefusal | undefined): Field {
  const { userPool } = step.tenant.snapshot
  const { locale } = step
  const byAddress = userPool.usernameAttributes.length > 0
  const field = usernameField(userPool, locale, value)
  const error = usernameErrorKey(value, refusal, byAddress)
  return {
    name: 'username',
    label: byAddress ? field.label : locale.text('attributes.username'),
    type: field.type,
    value,
    required: true,
    autocomplete: 'username',
    maxlength: byAddress ? 254 : 128,
    ...(field.type === 'tel' ? { hint: locale.text('fieldHints.phone_number') } : {}),
    ...(byAddress ? {} : { hint: locale.text('fieldHints.username') }),
    ...(error === undefined ? {} : { error: locale.text(`fieldErrors.${error}`) }),
  }
}

function usernameErrorKey(value: string, refusal: SignUpRefusal | undefined, byAddress: boolean): string | undefined {
  if (refusal === undefined) return undefined
  if (refusal.reason === 'usernameExists') return byAddress ? 'addressTaken' : 'usernameTaken'
  if (refusal.usernameProblem === undefined) return undefined
  return value.trim() === '' ? 'required' : problemKeys[refusal.usernameProblem]
}
