import type { Router } from '@koa/router'
import { updateUserAttributes } from '../../domain/attribute-changes/update-user-attributes.ts'
import { requiredAttributes } from '../../domain/users/validate-attributes.ts'
import type { AttributeProblems } from '../../domain/users/validate-attributes.ts'
import type { Alert } from '../../platform/views/page-parts.ts'
import { attributeField } from '../attribute-fields.ts'
import type { HostedServices } from '../hosted-services.ts'
import { redirect } from '../step.ts'
import { accountPagePath } from './account-page.ts'
import { checkFields, showAccountForm, typedBefore } from './account.page.ts'
import { takeKeptForm } from './kept-form.ts'
import { accountUrl, openAccount, openAccountForm } from './open-account.ts'
import type { AccountStep } from './open-account.ts'
import { writableAttributes } from './writable-attributes.ts'

/** Who somebody says they are: whatever the app client lets them write. */
export function profileRoutes(router: Router, services: HostedServices): void {
  router.get(accountPagePath('profile'), async (ctx) => {
    const step = await openAccount(services, ctx, 'profile')
    if (step === undefined) return
    const kept = takeKeptForm(services.domain, step)
    showProfile(services, step, { ...step.user.attributes, ...kept }, {}, kept && typedBefore(step))
  })
  router.post(accountPagePath('profile'), async (ctx) => {
    const step = await openAccountForm(services, ctx, 'profile')
    if (step === undefined) return
    const { user, userPool, appClient, form } = step
    const typed = writableAttributes(userPool, appClient, user).flatMap((name) => {
      const value = form.get(name)?.trim()
      return value === undefined || value === (user.attributes[name] ?? '') ? [] : [[name, value] as const]
    })
    const attributes = Object.fromEntries(typed)
    if (typed.length === 0) return redirect(ctx, accountUrl(step, 'home'))
    const { session, languages } = step
    const request = { userPool, appClient, userSub: user.sub, authTime: session.authTime, attributes, languages }
    const outcome = await updateUserAttributes(step.domain, request)
    if (outcome.kind === 'done') return redirect(ctx, accountUrl(step, 'home', { notice: 'saved' }))
    const problems: AttributeProblems =
      outcome.reason === 'invalid'
        ? outcome.problems
        : Object.fromEntries(typed.map(([name]) => [name, 'invalid' as const]))
    showProfile(services, step, { ...user.attributes, ...attributes }, problems)
  })
}

function showProfile(
  services: HostedServices,
  step: AccountStep,
  values: Readonly<Record<string, string>>,
  problems: AttributeProblems,
  alert?: Alert,
): void {
  const { userPool, appClient, user, locale } = step
  const required = new Set(requiredAttributes(userPool))
  showAccountForm(services, step, 'accountProfile', {
    fields: writableAttributes(userPool, appClient, user).map((name) =>
      attributeField(locale, name, values[name] ?? '', { required: required.has(name), problem: problems[name] }),
    ),
    alert: Object.keys(problems).length === 0 ? alert : checkFields(step),
  })
}
