import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { isoCBOR } from '@simplewebauthn/server/helpers'
import { load } from 'cheerio'
import type { VisitedPage } from './user-agent.ts'

/*
 * An authenticator in software, which says whatever it is told to (WebAuthn Level 3 §6): what a browser would never let
 * through is just what an attacker sends.
 */

/** What differs from what an honest browser and authenticator would say. */
export interface Lies {
  origin?: string
  rpId?: string
  challenge?: string
  type?: string
  /** Whether the authenticator says that it has made sure of the person; it does unless told otherwise. */
  userVerified?: boolean
  userPresent?: boolean
  counter?: number
  userHandle?: string | null
  credentialId?: string
  crossOrigin?: boolean
  topOrigin?: string
  /** Of a new key: its COSE algorithm. */
  algorithm?: number
  /** The attestation statement, in place of none: its format and members. */
  attestation?: (signed: Buffer, key: KeyObject) => { format: string; statement: Map<string, unknown> }
  /** Signs in place of the passkey. */
  signedBy?: KeyObject
}

export interface SoftPasskey {
  id: string
  privateKey: KeyObject
  rpId: string
  userHandle: string
  counter: number
}

interface Options {
  challenge: string
  rpId?: string
  rp?: { id: string }
  user?: { id: string }
  allowCredentials?: { id: string }[]
  excludeCredentials?: { id: string }[]
}

/** What an authenticator is asked, and from where. */
export interface Asked {
  options: Options
  origin: string
}

const askedBy = (asked: VisitedPage | Asked): Asked =>
  'options' in asked ? asked : { options: optionsOn(asked), origin: asked.url.origin }

/** What a page's script would ask. */
export function optionsOn(page: VisitedPage): Options {
  const options = load(page.html)('[data-passkey]').attr('data-options')
  if (options === undefined) throw new Error(`${page.heading} asks for no passkey`)
  return JSON.parse(options) as Options
}

const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url')
const sha256 = (bytes: string | Buffer): Buffer => createHash('sha256').update(bytes).digest()

function clientData(type: string, challenge: string, origin: string, lies: Lies): Buffer {
  const { crossOrigin = false, topOrigin } = lies
  return Buffer.from(
    JSON.stringify({
      type: lies.type ?? type,
      challenge: lies.challenge ?? challenge,
      origin: lies.origin ?? origin,
      crossOrigin,
      ...(topOrigin === undefined ? {} : { topOrigin }),
    }),
  )
}

function authenticatorData(rpId: string, counter: number, lies: Lies, attested?: Buffer): Buffer {
  const { userVerified = true, userPresent = true } = lies
  const flags = (userPresent ? 1 : 0) | (userVerified ? 4 : 0) | (attested === undefined ? 0 : 0x40)
  const count = Buffer.alloc(4)
  count.writeUInt32BE(lies.counter ?? counter)
  return Buffer.concat([sha256(lies.rpId ?? rpId), Buffer.from([flags]), count, attested ?? Buffer.alloc(0)])
}

/** Makes a passkey for what the page asks. */
export function makePasskey(asked: VisitedPage | Asked, lies: Lies = {}): { passkey: SoftPasskey; credential: string } {
  const { options, origin } = askedBy(asked)
  const rpId = options.rp?.id ?? ''
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const { x = '', y = '' } = publicKey.export({ format: 'jwk' })
  const key = isoCBOR.encode(
    new Map<number, number | Uint8Array>([
      [1, 2],
      [3, lies.algorithm ?? -7],
      [-1, 1],
      [-2, new Uint8Array(Buffer.from(x, 'base64url'))],
      [-3, new Uint8Array(Buffer.from(y, 'base64url'))],
    ]),
  )
  const id = lies.credentialId === undefined ? randomBytes(16) : Buffer.from(lies.credentialId, 'base64url')
  const length = Buffer.alloc(2)
  length.writeUInt16BE(id.length)
  const attested = Buffer.concat([Buffer.alloc(16), length, id, key])
  const client = clientData('webauthn.create', options.challenge, origin, lies)
  const data = authenticatorData(rpId, 0, lies, attested)
  const { format, statement } = lies.attestation?.(Buffer.concat([data, sha256(client)]), privateKey) ?? {
    format: 'none',
    statement: new Map(),
  }
  const attestation = isoCBOR.encode(
    new Map<string, unknown>([
      ['fmt', format],
      ['attStmt', statement],
      ['authData', new Uint8Array(data)],
    ]) as never,
  )
  const credential = JSON.stringify({
    id: base64url(id),
    rawId: base64url(id),
    type: 'public-key',
    authenticatorAttachment: 'platform',
    clientExtensionResults: {},
    response: {
      clientDataJSON: base64url(client),
      attestationObject: base64url(attestation),
      transports: ['internal'],
    },
  })
  const passkey = { id: base64url(id), privateKey, rpId, userHandle: options.user?.id ?? '', counter: 0 }
  return { passkey, credential }
}

/** Answers what the page asks with a passkey, and counts. */
export function usePasskey(asked: VisitedPage | Asked, passkey: SoftPasskey, lies: Lies = {}): string {
  const { options, origin } = askedBy(asked)
  passkey.counter += 1
  const client = clientData('webauthn.get', options.challenge, origin, lies)
  const data = authenticatorData(options.rpId ?? passkey.rpId, passkey.counter, lies)
  const signature = sign('sha256', Buffer.concat([data, sha256(client)]), lies.signedBy ?? passkey.privateKey)
  const { userHandle = passkey.userHandle, credentialId = passkey.id } = lies
  return JSON.stringify({
    id: credentialId,
    rawId: credentialId,
    type: 'public-key',
    clientExtensionResults: {},
    response: {
      clientDataJSON: base64url(client),
      authenticatorData: base64url(data),
      signature: base64url(signature),
      ...(userHandle === null ? {} : { userHandle }),
    },
  })
}
