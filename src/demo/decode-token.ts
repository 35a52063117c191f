import { decodeJwt, decodeProtectedHeader, type JWTPayload, type ProtectedHeaderParameters } from 'jose'

export interface DecodedToken {
  readonly header: ProtectedHeaderParameters
  readonly payload: JWTPayload
}

/**
 * What a JWT says, for showing: nothing is verified here. `undefined` for an opaque token, which an access token may be
 * (RFC 6749 §1.4) and a refresh token is.
 */
export function decodeToken(token: string): DecodedToken | undefined {
  try {
    return { header: decodeProtectedHeader(token), payload: decodeJwt(token) }
  } catch {
    return undefined
  }
}
