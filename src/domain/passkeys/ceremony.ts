import {
  generateAuthenticationOptions,
  generateRegistrationOptions,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
} from '@simplewebauthn/server'
import type {
  AuthenticationResponseJSON,
  AuthenticatorTransport,
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
  RegistrationResponseJSON,
} from '@simplewebauthn/server'
import { decodeAttestationObject } from '@simplewebauthn/server/helpers'
import { z } from 'zod'
import type { DomainServices } from '../ports/services.ts'
import type { UserPool } from '../user-pools/user-pool.ts'
import { nameToSignInWith } from '../users/sign-in-name.ts'
import type { User } from '../users/user.ts'
import { challengeEnd, challengeHash, newChallenge } from './challenge.ts'
import type { ChallengeSubject } from './challenge.ts'
import { passkeyAlgorithms } from './passkey.ts'
import type { OwnedPasskey, Passkey } from './passkey.ts'
import type { RelyingParty } from './relying-party.ts'

/* What is asked of authenticators, and what of their answers counts (WebAuthn Level 3 §7). Storage is elsewhere. */

/** One question to an authenticator: who asks, and what its answer is good for. */
export interface Ceremony {
  rp: RelyingParty
  subject: ChallengeSubject
}

type Services = Pick<DomainServices, 'sealedBox' | 'random' | 'clock'>

/** A page that waits for a passkey may be open as long as its flow. */
const signInSeconds = 3600
const otherSeconds = 15 * 60
const secondsFor = ({ subject: [purpose] }: Ceremony): number => (purpose === 'signIn' ? signInSeconds : otherSeconds)

/** Milliseconds that a browser gives the person. */
const timeout = 300_000

/** A challenge that has been answered, to be used up together with what it brings. */
export interface AnsweredChallenge {
  hash: string
  expiresAt: Date
}

/** WebAuthn's `PublicKeyCredentialCreationOptionsJSON` (Cognito: StartWebAuthnRegistration). */
export const creationOptions = (
  services: Services,
  userPool: UserPool,
  user: User,
  ceremony: Ceremony,
  owned: readonly OwnedPasskey[],
): Promise<PublicKeyCredentialCreationOptionsJSON> => {
  const name = nameToSignInWith(userPool, user)
  return generateRegistrationOptions({
    rpName: ceremony.rp.name,
    rpID: ceremony.rp.id,
    userName: name,
    userDisplayName: name,
    userID: new Uint8Array(Buffer.from(user.sub)),
    challenge: new Uint8Array(newChallenge(services, ceremony.subject, secondsFor(ceremony))),
    timeout,
    attestationType: 'none',
    excludeCredentials: owned.filter(({ rpId }) => rpId === ceremony.rp.id).map(descriptor),
    authenticatorSelection: { residentKey: 'required', userVerification: wishFor(userPool) },
    supportedAlgorithmIDs: passkeyAlgorithms,
  })
}

/**
 * WebAuthn's `PublicKeyCredentialRequestOptionsJSON`.
 * @param allowed only these; absent: whichever the person has
 */
export const requestOptions = (
  services: Services,
  userPool: UserPool,
  ceremony: Ceremony,
  allowed?: readonly Passkey[],
): Promise<PublicKeyCredentialRequestOptionsJSON> =>
  generateAuthenticationOptions({
    rpID: ceremony.rp.id,
    challenge: new Uint8Array(newChallenge(services, ceremony.subject, secondsFor(ceremony))),
    timeout,
    userVerification: ceremony.subject[0] === 'secondFactor' ? 'required' : wishFor(userPool),
    ...(allowed === undefined ? {} : { allowCredentials: allowed.map(descriptor) }),
  })

const wishFor = ({ passkeys }: UserPool): 'required' | 'preferred' =>
  passkeys.requiresUserVerification || passkeys.countsAsTwoFactors ? 'required' : 'preferred'

const descriptor = ({ id, transports }: Passkey) => ({
  id,
  transports: transports as AuthenticatorTransport[],
})

const base64url = z.string().regex(/^[\w-]+$/)
const credential = {
  id: base64url.max(1400),
  rawId: base64url,
  type: z.literal('public-key'),
  clientExtensionResults: z.record(z.string(), z.unknown()),
  authenticatorAttachment: z.enum(['platform', 'cross-platform']).optional().catch(undefined),
}
const registration = z.object({
  ...credential,
  response: z.object({
    clientDataJSON: base64url,
    attestationObject: base64url,
    transports: z
      .array(z.string().regex(/^[a-z-]{1,20}$/))
      .max(10)
      .catch([]),
  }),
})
const authentication = z.object({
  ...credential,
  response: z.object({
    clientDataJSON: base64url,
    authenticatorData: base64url,
    signature: base64url,
    userHandle: base64url.nullish().transform((handle) => handle ?? undefined),
  }),
})

/** What a browser sent in answer to `requestOptions`; undefined: no answer at all. */
export function readAuthentication(sent: string): AuthenticationResponseJSON | undefined {
  const read = authentication.safeParse(jsonOf(sent))
  return read.success ? (read.data as AuthenticationResponseJSON) : undefined
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** What is new about a passkey that an authenticator has just made. */
export type NewPasskey = Pick<Passkey, 'id' | 'publicKey' | 'counter' | 'transports' | 'isPlatform'> & {
  /** The model of its authenticator, as a UUID; zeros where it does not tell. */
  model: string
  userVerified: boolean
  challenge: AnsweredChallenge
}

/**
 * WebAuthn §7.1; undefined: it does not count, for whatever reason. Attestation is not asked for, and a certificate chain that
 * comes unasked is refused, not read: there is nobody whose word about an authenticator we would take (GHSA-6hxq-p678-4hr2).
 */
export async function verifyNewPasskey(
  services: Services,
  userPool: UserPool,
  { rp, subject }: Ceremony,
  sent: string,
): Promise<NewPasskey | undefined> {
  const read = registration.safeParse(jsonOf(sent))
  if (!read.success || isFramed(read.data.response.clientDataJSON)) return undefined
  if (!vouchesForItselfAtMost(read.data.response.attestationObject)) return undefined
  const answered: { challenge?: AnsweredChallenge } = {}
  const expectedChallenge = (challenge: string): boolean => noteAnswer(services, subject, challenge, answered)
  const result = await verifyRegistrationResponse({
    response: read.data as RegistrationResponseJSON,
    expectedChallenge,
    expectedOrigin: rp.origin,
    expectedRPID: rp.id,
    requireUserVerification: wishFor(userPool) === 'required',
    supportedAlgorithmIDs: passkeyAlgorithms,
  }).catch(() => undefined)
  if (result?.verified !== true || answered.challenge === undefined) return undefined
  const { credential: made, aaguid, userVerified } = result.registrationInfo
  return {
    id: made.id,
    publicKey: Buffer.from(made.publicKey).toString('base64url'),
    counter: made.counter,
    transports: read.data.response.transports,
    isPlatform: read.data.authenticatorAttachment === 'platform',
    model: aaguid,
    userVerified,
    challenge: answered.challenge,
  }
}

/** Asked in a frame of another site's page: none of our pages stands in one (WebAuthn §13.4.2). */
function isFramed(clientDataJSON: string): boolean {
  const client = jsonOf(Buffer.from(clientDataJSON, 'base64url').toString()) as { crossOrigin?: unknown } | undefined
  return client?.crossOrigin === true
}

/** No attestation at all, or one by the new key itself, which browsers leave as it is (WebAuthn §5.1.3). */
function vouchesForItselfAtMost(attestationObject: string): boolean {
  try {
    const decoded = decodeAttestationObject(new Uint8Array(Buffer.from(attestationObject, 'base64url')))
    const format = decoded.get('fmt')
    return format === 'none' || (format === 'packed' && decoded.get('attStmt').get('x5c') === undefined)
  } catch {
    return false
  }
}

/** WebAuthn §7.2 of a passkey that has been looked up; undefined: it does not count, for whatever reason. */
export async function verifyPasskey(
  services: Services,
  userPool: UserPool,
  { rp, subject }: Ceremony,
  passkey: Passkey,
  response: AuthenticationResponseJSON,
): Promise<{ counter: number; userVerified: boolean; challenge: AnsweredChallenge } | undefined> {
  const { userHandle, clientDataJSON } = response.response
  if (isFramed(clientDataJSON)) return undefined
  // Of another user: the authenticator says whose it is (§7.2 step 6).
  if (userHandle !== undefined && Buffer.from(userHandle, 'base64url').toString() !== passkey.userSub) return undefined
  if (passkey.rpId !== rp.id || (subject[0] === 'signIn' && userHandle === undefined)) return undefined
  const answered: { challenge?: AnsweredChallenge } = {}
  const result = await verifyAuthenticationResponse({
    response,
    expectedChallenge: (challenge) => noteAnswer(services, subject, challenge, answered),
    expectedOrigin: rp.origin,
    expectedRPID: rp.id,
    requireUserVerification: subject[0] === 'secondFactor' || wishFor(userPool) === 'required',
    credential: {
      id: passkey.id,
      publicKey: new Uint8Array(Buffer.from(passkey.publicKey, 'base64url')),
      counter: passkey.counter,
    },
  }).catch(() => undefined)
  if (result?.verified !== true || answered.challenge === undefined) return undefined
  const { newCounter, userVerified } = result.authenticationInfo
  return { counter: newCounter, userVerified, challenge: answered.challenge }
}

function noteAnswer(
  services: Services,
  subject: ChallengeSubject,
  challenge: string,
  answered: { challenge?: AnsweredChallenge },
): boolean {
  const expiresAt = challengeEnd(services, subject, challenge)
  if (expiresAt === undefined) return false
  answered.challenge = { hash: challengeHash(challenge), expiresAt }
  return true
}
