import type { Tenant } from '../user-pools/tenant.ts'
import type { AppClient } from '../app-clients/app-client.ts'
import type { UserPool } from '../user-pools/user-pool.ts'

/** Who a passkey is for, as WebAuthn has it: a domain, and the very origin whose pages may ask. */
export interface RelyingParty {
  id: string
  origin: string
  name: string
}

/**
 * The relying party of the domain that a page is reached at; undefined: no browser would let it have passkeys there. From
 * what is configured, never from a request.
 */
export function relyingPartyOf({ snapshot, origin, secure }: Tenant): RelyingParty | undefined {
  const { userPool } = snapshot
  const { hostname } = new URL(origin)
  // WebAuthn §5.1.3: a secure context, and a domain. An IP address is none.
  const isLocal = hostname === 'localhost' || hostname.endsWith('.localhost')
  if ((!secure && !isLocal) || /^[\d.]+$|^\[/.test(hostname)) return undefined
  const id = userPool.passkeys.relyingPartyId ?? hostname
  if (hostname !== id && !hostname.endsWith(`.${id}`)) return undefined
  return { id, origin, name: userPool.branding.name ?? userPool.name }
}

/** Whether users of the pool can have passkeys at all. */
export const hasPasskeys = ({ firstFactors, mfaConfiguration, mfaTypes }: UserPool): boolean =>
  firstFactors.includes('WEB_AUTHN') || (mfaConfiguration !== 'OFF' && mfaTypes.includes('WEB_AUTHN'))

/** Whether people may begin with one at this app client (Cognito: ALLOW_USER_AUTH, and AllowedFirstAuthFactors). */
export const beginsWithPasskey = (userPool: UserPool, { explicitAuthFlows }: AppClient): boolean =>
  userPool.firstFactors.includes('WEB_AUTHN') && explicitAuthFlows.includes('ALLOW_USER_AUTH')
