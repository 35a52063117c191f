import { creationOptions, requestOptions } from '../../domain/passkeys/ceremony.ts'
import type { Ceremony } from '../../domain/passkeys/ceremony.ts'
import type { ChallengeSubject } from '../../domain/passkeys/challenge.ts'
import type { OwnedPasskey } from '../../domain/passkeys/passkey.ts'
import { beginsWithPasskey, relyingPartyOf } from '../../domain/passkeys/relying-party.ts'
import type { Tenant } from '../../domain/user-pools/tenant.ts'
import type { User } from '../../domain/users/user.ts'
import type { PasskeyPart } from '../../platform/views/page-parts.ts'
import { sha256 } from '../../security/digest.ts'
import type { HostedServices } from '../hosted-services.ts'
import { formOf } from '../render.ts'
import type { Step } from '../step.ts'

/* What pages ask authenticators, and what an answer to each of them was made for: nothing that one gives is good for another. */

/** Undefined: no browser would let this domain have passkeys. */
function ceremonyFor(tenant: Tenant, subject: ChallengeSubject): Ceremony | undefined {
  const rp = relyingPartyOf(tenant)
  return rp === undefined ? undefined : { rp, subject }
}

export const signInCeremony = ({ tenant, browser, flow }: Step): Ceremony | undefined =>
  ceremonyFor(tenant, ['signIn', tenant.snapshot.userPool.id, sha256(browser), flow.idHash])

export const factorCeremony = ({ tenant, browser, flow }: Step): Ceremony | undefined =>
  ceremonyFor(tenant, ['secondFactor', tenant.snapshot.userPool.id, sha256(browser), flow.state.attempt?.idHash ?? ''])

export const setUpCeremony = ({ tenant, browser, flow }: Step): Ceremony | undefined =>
  ceremonyFor(tenant, ['setUp', tenant.snapshot.userPool.id, sha256(browser), flow.state.attempt?.idHash ?? ''])

export const addCeremony = (
  { tenant, browser }: { tenant: Tenant; browser: string },
  { sub }: Pick<User, 'sub'>,
): Ceremony | undefined => ceremonyFor(tenant, ['add', tenant.snapshot.userPool.id, sha256(browser), sub])

/** The button of the sign-in page, where the app's people may begin with a passkey. */
export async function passkeySignIn(
  services: HostedServices,
  step: Step,
  unknownPasskey?: string,
): Promise<PasskeyPart | undefined> {
  const { userPool } = step.tenant.snapshot
  const ceremony = signInCeremony(step)
  if (ceremony === undefined || !beginsWithPasskey(userPool, step.appClient)) return undefined
  const signal = { kind: 'unknown', rpId: ceremony.rp.id, credentialId: unknownPasskey }
  return {
    form: formOf(services, step, 'passkeySignIn'),
    options: JSON.stringify(await requestOptions(services.domain, userPool, ceremony)),
    conditional: true,
    ...(unknownPasskey === undefined ? {} : { signal: JSON.stringify(signal) }),
  }
}

/** To make another one. */
export async function passkeyCreation(
  services: HostedServices,
  step: { tenant: Tenant; browser: string },
  user: User,
  owned: readonly OwnedPasskey[],
  form: PasskeyPart['form'],
  ceremony = addCeremony(step, user),
): Promise<PasskeyPart | undefined> {
  if (ceremony === undefined) return undefined
  const { userPool } = step.tenant.snapshot
  const options = await creationOptions(services.domain, userPool, user, ceremony, owned)
  return { form, options: JSON.stringify(options) }
}
