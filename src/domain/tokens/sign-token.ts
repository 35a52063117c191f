import { createHash } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { CompactSign } from 'jose'
import type { ClaimSet } from './claims.ts'
import type { SigningKey } from './signing-key-set.ts'

/**
 * A compact JWS (RFC 7515 §7.1) whose header is exactly Cognito's: `kid` and `alg`. jose signs through WebCrypto, on
 * libuv's threads: an RSA signature never holds up the event loop.
 * @param typ RFC 9068 §2.1
 */
export const signToken = (
  key: SigningKey & { privateKey: KeyObject },
  claims: ClaimSet,
  typ?: 'at+jwt',
): Promise<string> =>
  new CompactSign(new TextEncoder().encode(JSON.stringify(claims)))
    .setProtectedHeader({ ...(typ === undefined ? {} : { typ }), kid: key.kid, alg: key.algorithm })
    .sign(key.privateKey)

/** OIDC Core §3.1.3.6: the left half of the access token's hash (SHA-256 for RS256 and ES256, SHA-512 for EdDSA). */
export function accessTokenHash(key: SigningKey, accessToken: string): string {
  const digest = createHash(key.algorithm === 'EdDSA' ? 'sha512' : 'sha256')
    .update(accessToken)
    .digest()
  return digest.subarray(0, digest.length / 2).toString('base64url')
}
