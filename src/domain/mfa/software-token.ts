import { generateSecret, generateURI, verifySync } from 'otplib/functional'
import type { SealedBox } from '../../security/sealed-box.ts'

/* Authenticator apps: TOTP (RFC 6238) as Cognito and every app has it, SHA-1, six digits, 30 seconds. */

/** An authenticator app that a user has set up. */
export interface SoftwareToken {
  userPoolId: string
  userSub: string
  id: string
  sealedSecret: string
  /** Of the code that was used last: it and those before it are used up (RFC 6238 §5.2). */
  lastTimeStep: number
}

/** As stored. */
export interface OwnedSoftwareToken extends SoftwareToken {
  createdAt: Date
  lastUsedAt: Date
}

/** What secrets of authenticator apps are sealed for. */
export const softwareTokenPurpose = 'software token'

/** How long a code is. */
export const softwareTokenDigits = 6

/** Of one user. */
export const maximumSoftwareTokens = 5

const periodSeconds = 30

/** 160 random bits in Base32, as RFC 4226 §4 recommends. */
export const newSoftwareTokenSecret = (): string => generateSecret({ length: 20 })

/** The secret of an app, as stored or as an attempt holds it. */
export const softwareTokenSecret = (sealedBox: Pick<SealedBox, 'open'>, sealedSecret: string): string =>
  sealedBox.open(sealedSecret, softwareTokenPurpose)

/**
 * The time step of which this is the code, one step to either side of now included: clocks of phones are off by that.
 * Undefined: of none.
 * @param code six digits; blanks between them count for nothing
 */
export function timeStepOf(secret: string, code: string, at: Date): number | undefined {
  const token = code.replaceAll(/[\s-]/g, '')
  if (!/^\d{6}$/.test(token)) return undefined
  const epoch = Math.floor(at.getTime() / 1000)
  const result = verifySync({ strategy: 'totp', secret, token, epoch, epochTolerance: periodSeconds })
  return result.valid ? Math.floor(epoch / periodSeconds) + result.delta : undefined
}

/** The address that a QR code holds for the app: `otpauth://totp/…`. */
export const softwareTokenUri = (secret: string, named: { issuer: string; account: string }): string =>
  generateURI({ secret, issuer: named.issuer.replaceAll(':', ' '), label: named.account.replaceAll(':', ' ') })
