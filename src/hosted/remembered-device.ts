import type { Context } from 'koa'
import { accountUri } from '../domain/app-clients/redirect-uri.ts'
import { devicesReplaceMfa } from '../domain/devices/recognise-device.ts'
import { rememberDevice } from '../domain/devices/remember-device.ts'
import type { User } from '../domain/users/user.ts'
import type { Tenant } from '../domain/user-pools/tenant.ts'
import type { CheckBox } from '../platform/views/page-parts.ts'
import { cookieName, setCookie } from '../security/cookies.ts'
import { sha256 } from '../security/digest.ts'
import { isAccountPage, isSensitive } from './account/account-page.ts'
import type { FormStep, Step } from './step.ts'

/*
 * A browser in which somebody is not asked for a second factor again. Its cookie holds a secret for each of those who have
 * had it remembered, and does not say who they are.
 */

interface Request {
  ctx: Context
  tenant: Tenant
}

/** People whom one browser is remembered for at most; whoever came last stays. */
const maximumSecrets = 8

const daySeconds = 86_400

const nameOf = ({ tenant }: Request): string => cookieName('device', tenant.snapshot.userPool.id, tenant.secure)

function secretsOf(request: Request): readonly string[] {
  const value = request.ctx.cookies.get(nameOf(request), { signed: false }) ?? ''
  return value
    .split('.')
    .filter((secret) => /^[\w-]{43}$/.test(secret))
    .slice(0, maximumSecrets)
}

/** What devices the browser may be, whoever's. */
export const heldDeviceHashes = (request: Request): readonly string[] => secretsOf(request).map(sha256)

/** The same, where a device counts: a sensitive page of the account asks for the factor itself (threat row B18). */
export const deviceHashesOf = (step: Step): readonly string[] => (insistsOnFactor(step) ? [] : heldDeviceHashes(step))

function insistsOnFactor({ flow }: Step): boolean {
  const { redirect_uri: redirectUri, state = '' } = flow.state.request
  return redirectUri === accountUri && isAccountPage(state) && isSensitive(state)
}

const fieldName = 'rememberDevice'

/** The check box, where the pool leaves it to the person and it would have an effect. */
export function rememberDeviceField(step: Step): { rememberDevice?: CheckBox } {
  const { userPool } = step.tenant.snapshot
  const { devices } = userPool
  if (devices?.onUserPrompt !== true || !devicesReplaceMfa(userPool) || insistsOnFactor(step)) return {}
  const label = step.locale.text('devices.remember', { days: devices.seconds / daySeconds })
  const checked = 'form' in step && (step as FormStep).form.has(fieldName)
  return { rememberDevice: { label, checked } }
}

/** What was chosen on a form that has the box: part of what its right answer leads to. */
export const rememberDeviceOf = (step: FormStep): { rememberDevice?: true } =>
  step.form.has(fieldName) ? { rememberDevice: true } : {}

/** Somebody has just signed in with it, with all that this takes. */
export async function keepDevice(step: Step, user: User, amr: readonly string[]): Promise<void> {
  const { ctx, tenant, domain, flow } = step
  const { userPool } = tenant.snapshot
  const secrets = secretsOf(step)
  const wanted = flow.state.rememberDevice === true
  const remembered = await rememberDevice(domain, { userPool, user, amr, wanted, secretHashes: secrets.map(sha256) })
  if (remembered === undefined || userPool.devices === undefined) return
  const others = secrets.filter((secret) => !remembered.replaced.includes(sha256(secret)))
  const value = [remembered.secret, ...others].slice(0, maximumSecrets).join('.')
  setCookie(ctx, nameOf(step), value, { secure: tenant.secure, maxAgeSeconds: userPool.devices.seconds })
}
