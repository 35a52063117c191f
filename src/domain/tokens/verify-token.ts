import { decodeProtectedHeader, jwtVerify } from 'jose'
import type { JWTPayload } from 'jose'
import type { Clock } from '../../platform/clock.ts'
import type { UserPoolSnapshot } from '../user-pools/user-pool-directory.ts'
import type { KeyUse } from './signing-key.ts'

/**
 * Verifies one of our own tokens: signature by a key of this very pool and of this very use, issuer, `token_use`, and
 * time unless told otherwise (threat rows C7, C22). Returns undefined for anything else, however malformed.
 */
export async function verifyToken(
  clock: Clock,
  snapshot: UserPoolSnapshot,
  token: string,
  use: KeyUse,
  options: { ignoreExpiry?: boolean } = {},
): Promise<JWTPayload | undefined> {
  if (token.length > maximumTokenLength) return undefined
  try {
    const { kid } = decodeProtectedHeader(token)
    const key = kid === undefined ? undefined : snapshot.keys.byKid.get(kid)
    if (key?.use !== use) return undefined
    const { payload } = await jwtVerify(token, key.publicKey, {
      algorithms: [key.algorithm],
      issuer: snapshot.userPool.issuer,
      currentDate: clock.now(),
      // jose has no switch for this; a century of tolerance is one.
      ...(options.ignoreExpiry === true ? { clockTolerance: 3_153_600_000 } : {}),
    })
    return payload['token_use'] === use ? payload : undefined
  } catch {
    return undefined
  }
}

const maximumTokenLength = 16_384
