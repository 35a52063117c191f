import type { Router } from '@koa/router'
import { completeNewPassword } from '../../domain/sign-in/complete-new-password.ts'
import type { FlowState } from '../../domain/sessions/flow.ts'
import type { PasswordRule } from '../../domain/users/password-policy.ts'
import type { AttributeProblems } from '../../domain/users/validate-attributes.ts'
import { attributeField } from '../attribute-fields.ts'
import { showErrorPage } from '../error/error.page.ts'
import type { HostedServices } from '../hosted-services.ts'
import { chosenPassword, newPasswordField } from '../password-field.ts'
import { pagePaths } from '../paths.ts'
import { errorAlert, formOf, pageRequest, showPage } from '../render.ts'
import { continueFlow, openForm, openPage } from '../open-step.ts'
import { tellLimited } from '../tell-limited.ts'
import { signInState } from '../sign-in-state.ts'
import { pageUrl } from '../step.ts'
import type { FormStep, Step } from '../step.ts'

type Attempt = NonNullable<FlowState['attempt']>

export function newPasswordRoutes(router: Router, services: HostedServices): void {
  router.get(pagePaths.newPassword, async (ctx) => {
    const step = await openPage(services, ctx, 'newPassword')
    const attempt = step?.flow.state.attempt
    if (step !== undefined && attempt !== undefined) showNewPasswordPage(services, step, attempt, {})
  })
  router.post(pagePaths.newPassword, async (ctx) => {
    const step = await openForm(services, ctx, 'newPassword')
    const attempt = step?.flow.state.attempt
    if (step !== undefined && attempt !== undefined) await setNewPassword(services, step, attempt)
  })
}

async function setNewPassword(services: HostedServices, step: FormStep, attempt: Attempt): Promise<void> {
  const { userPool } = step.tenant.snapshot
  const outcome = await completeNewPassword(step.domain, {
    userPool,
    appClient: step.appClient,
    attemptIdHash: attempt.idHash,
    languages: step.languages,
    ...chosenPassword(step.form),
    attributes: Object.fromEntries(attempt.missingAttributes.map((name) => [name, (step.form.get(name) ?? '').trim()])),
  })
  if (outcome.kind !== 'refused') {
    const { request, username } = step.flow.state
    const state = { request, chosen: 'login', ...(username === undefined ? {} : { username }) } as const
    return continueFlow(services, step, signInState(state, outcome))
  }
  if (outcome.reason === 'limitExceeded') return tellLimited(services, step, outcome)
  if (outcome.reason === 'attemptExpired') {
    return showErrorPage(services, step.ctx, 'expiredHere', { status: 400, signIn: pageUrl(step, 'login') })
  }
  showNewPasswordPage(services, step, attempt, { broken: outcome.brokenRules, problems: outcome.attributeProblems })
}

function showNewPasswordPage(
  services: HostedServices,
  step: Step,
  attempt: Attempt,
  shown: { broken?: readonly PasswordRule[]; problems?: AttributeProblems },
): void {
  const { locale } = step
  const typed = shown.problems === undefined ? undefined : (step as FormStep).form
  const empty = typed !== undefined && (typed.get('password') ?? '') === ''
  showPage(services, pageRequest(step), 'pages/new-password', 'newPassword', {
    form: formOf(services, step, 'newPassword'),
    username: { value: step.flow.state.username ?? '' },
    fields: attempt.missingAttributes.map((name) =>
      attributeField(locale, name, typed?.get(name) ?? '', { required: true, problem: shown.problems?.[name] }),
    ),
    password: newPasswordField(step.tenant.snapshot.userPool, locale, { broken: shown.broken, empty, form: typed }),
    alert: shown.problems === undefined ? undefined : errorAlert(locale.text('outcomes.checkFields')),
  })
}
