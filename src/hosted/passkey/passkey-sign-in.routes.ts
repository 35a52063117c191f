import type { Router } from '@koa/router'
import { readAuthentication } from '../../domain/passkeys/ceremony.ts'
import { signInWithPasskey } from '../../domain/passkeys/sign-in-with-passkey.ts'
import type { HostedServices } from '../hosted-services.ts'
import { showLoginPage } from '../login/login.page.ts'
import { continueFlow, openForm } from '../open-step.ts'
import { pagePaths } from '../paths.ts'
import { signInContext } from '../sign-in-context.ts'
import { signInState } from '../sign-in-state.ts'
import type { FormStep } from '../step.ts'
import { signInCeremony } from './passkey-parts.ts'

/** What the sign-in page's script sends once somebody has chosen a passkey. */
export function passkeySignInRoutes(router: Router, services: HostedServices): void {
  router.post(pagePaths.passkeySignIn, async (ctx) => {
    const step = await openForm(services, ctx, 'login')
    if (step !== undefined) await signIn(services, step)
  })
}

async function signIn(services: HostedServices, step: FormStep): Promise<void> {
  const { flow } = step
  const credential = step.form.get('credential') ?? ''
  const { request, chosen, username = '' } = flow.state
  const ceremony = signInCeremony(step)
  if (ceremony === undefined) return showLoginPage(services, step, { username, refusal: 'passkeyRefused' })
  const proof = { ...signInContext(step), ceremony, credential }
  const outcome = await signInWithPasskey(step.domain, proof)
  if (outcome.kind !== 'refused') return continueFlow(services, step, signInState({ request, chosen }, outcome))
  const { reason } = outcome
  if (reason === 'limitExceeded') return showLoginPage(services, step, { username, locked: outcome })
  if (reason === 'passwordResetRequired') {
    return continueFlow(services, step, { request, chosen: 'forgotPassword' }, 'passwordResetRequired')
  }
  const unknown = reason === 'passkeyUnknown' ? readAuthentication(credential)?.id : undefined
  await showLoginPage(services, step, {
    username,
    refusal: reason,
    ...(unknown === undefined ? {} : { unknownPasskey: unknown }),
  })
}
