import { accountUri } from '../../domain/app-clients/redirect-uri.ts'
import { directProvider } from '../../domain/app-clients/sign-in-methods.ts'
import { recordProviderFailure } from '../../domain/identity-providers/federated-sign-in.ts'
import type { FederatedRefusal } from '../../domain/identity-providers/federated-sign-in.ts'
import type { IdentityProvider } from '../../domain/identity-providers/identity-provider.ts'
import type { ProviderFailure } from '../../domain/ports/identity-provider-connector.ts'
import type { LimitExceeded } from '../../domain/rate-limits/rate-limits.ts'
import { isolated } from '../isolated.ts'
import type { HostedServices } from '../hosted-services.ts'
import { explainUnfinished } from '../lost-flow.ts'
import { continueFlow } from '../open-step.ts'
import { redirect } from '../step.ts'
import type { Step } from '../step.ts'
import { tellLimited } from '../tell-limited.ts'

/*
 * Who is told that a sign-in at a provider came to nothing: the person on the sign-in page that they came from; where an app led past that
 * page, the app, as Cognito does (reference: hosted UI §3).
 */

/** Nobody of this flow has chosen the provider on a page of ours. */
export function isDirect({ tenant, appClient, flow }: Pick<Step, 'tenant' | 'appClient' | 'flow'>): boolean {
  const { request } = flow.state
  return (
    request['redirect_uri'] !== accountUri && directProvider(tenant.snapshot.userPool, appClient, request) !== undefined
  )
}

/** Ends the flow: the app has the next word. */
export async function tellDirectly(services: HostedServices, step: Step, description: string): Promise<void> {
  // RFC 6749 §4.1.2.1
  const printable = description.replaceAll(/[^\x20\x21\x23-\x5b\x5d-\x7e]/g, '?').slice(0, 500)
  const error = { error: 'invalid_request', error_description: printable }
  const location = await services.refuseFlow(step.tenant, step.ctx, step.flow, error)
  if (location === undefined) return explainUnfinished(services, step)
  redirect(step.ctx, location)
}

async function tell(services: HostedServices, step: Step, forPerson: string, forApp: string): Promise<void> {
  if (isDirect(step)) return tellDirectly(services, step, forApp)
  const { request, username } = step.flow.state
  const name = username === undefined ? {} : { username }
  await continueFlow(services, step, { request, chosen: 'login', problem: forPerson, ...name })
}

const failures = {
  denied: 'identityProviders.denied',
  away: 'identityProviders.away',
  invalid: 'identityProviders.invalid',
} as const

export const failureText = (
  { locale }: Pick<Step, 'locale'>,
  provider: IdentityProvider,
  { kind }: ProviderFailure,
): string => locale.text(failures[kind], { provider: isolated(provider.name) })

export async function tellProviderFailure(
  services: HostedServices,
  step: Step,
  provider: IdentityProvider,
  failure: ProviderFailure,
): Promise<void> {
  const { userPool } = step.tenant.snapshot
  await recordProviderFailure(step.domain, { userPool, appClient: step.appClient, provider }, failure)
  await tell(services, step, failureText(step, provider, failure), failure.message)
}

export async function tellRefusal(
  services: HostedServices,
  step: Step,
  provider: IdentityProvider,
  refusal: FederatedRefusal | LimitExceeded,
): Promise<void> {
  const { locale } = step
  switch (refusal.reason) {
    case 'limitExceeded':
      return tellLimited(services, step, refusal)
    case 'userDisabled':
      return tell(services, step, locale.text('outcomes.userDisabled'), 'User is disabled.')
    case 'usernameExists': {
      const text = locale.text('identityProviders.nameTaken', { provider: isolated(provider.name) })
      return tell(services, step, text, `Already found an entry for username ${provider.name}`)
    }
    case 'attributesMissing':
    case 'attributesInvalid': {
      const names = refusal.attributes.join(', ')
      const text = locale.text('identityProviders.attributes', { provider: isolated(provider.name), names })
      const fault = refusal.reason === 'attributesMissing' ? 'required' : 'invalid'
      return tell(services, step, text, `attributes ${fault}: [${names}]`)
    }
  }
}
