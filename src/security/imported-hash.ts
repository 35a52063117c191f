import { createCipheriv, pbkdf2, scrypt } from 'node:crypto'
import { promisify } from 'node:util'
import { constantTimeEqual } from './digest.ts'

/*
 * Password hashes of other places, as text of the form `$<algorithm>$<cost>$<salt>$<hash>` (the PHC string format, and what
 * bcrypt has always had). What comes before the salt is the hash's form: hashes of one form cost the same to check.
 */

/** A hash of another place, ready to be compared. */
export interface ImportedHash {
  /** Algorithm and cost, such as `$2b$10`. */
  form: string
  matches(password: string): Promise<boolean>
}

type Derive = (password: string, salt: Buffer) => Promise<Buffer>

const scryptBytes = promisify<string | Buffer, Buffer, number, object, Buffer>(scrypt)
const pbkdf2Bytes = promisify(pbkdf2)

/** A check must not take seconds of a core, nor the memory of a node: whoever knocks at the door asks for one. */
const most = {
  bcryptCost: 14,
  /** Of 128 · N · r. */
  scryptBytes: 2 ** 27,
  scryptLanes: 4,
  iterations: 2_000_000,
  argonKiB: 131_072,
  argonPasses: 10,
  argonLanes: 8,
  hashBytes: 128,
}

const bcryptShape = /^(\$2[abxy]\$\d\d)\$[./A-Za-z0-9]{53}$/
const argonShape =
  /^(\$argon2(?:id|i|d)\$v=19)\$([mtp]=\d+,[mtp]=\d+,[mtp]=\d+)\$[A-Za-z0-9+/]{11,88}\$[A-Za-z0-9+/]{16,172}$/
const otherShape = /^\$([a-z0-9-]+)\$([a-z]+=\d+(?:,[a-z]+=\d+)*)\$([A-Za-z0-9+/]{0,172})\$([A-Za-z0-9+/]{22,172})$/

/** @returns undefined for what is none, or one that costs more than a server may spend on it */
export function parseImportedHash(text: string): ImportedHash | undefined {
  const bcryptForm = bcryptShape.exec(text)?.[1]
  if (bcryptForm !== undefined) return bcryptHash(bcryptForm, text)
  const [, argonKind, argonCost] = argonShape.exec(text) ?? []
  if (argonKind !== undefined && argonCost !== undefined) return argonHash(argonKind, argonCost, text)
  const [, algorithm = '', cost = '', salt = '', hash = ''] = otherShape.exec(text) ?? []
  const bytes = Buffer.from(hash, 'base64')
  const derive = deriveBy(algorithm, numbersIn(cost), bytes.length)
  if (derive === undefined) return undefined
  return {
    form: `$${algorithm}$${cost},l=${bytes.length}`,
    matches: async (password) => constantTimeEqual(await derive(password, Buffer.from(salt, 'base64')), bytes),
  }
}

/** The same work as for a hash of this form, and never right: for a name that has none. */
export async function workLike(form: string, password: string): Promise<void> {
  const [, length] = /,l=(\d+)$/.exec(form) ?? []
  const salt = 'A'.repeat(22)
  const text = form.startsWith('$2')
    ? `${form}$${'.'.repeat(53)}`
    : `${form.replace(/,l=\d+$/, '')}$${salt}$${Buffer.alloc(Number(length ?? 32))
        .toString('base64')
        .replaceAll('=', '')}`
  await parseImportedHash(text)?.matches(password)
}

const numbersIn = (cost: string): ReadonlyMap<string, number> =>
  new Map(
    cost.split(',').map((part) => {
      const [name = '', value] = part.split('=')
      return [name, Number(value)]
    }),
  )

const isIn = (value: number | undefined, least: number, greatest: number): value is number =>
  value !== undefined && Number.isSafeInteger(value) && value >= least && value <= greatest

function bcryptHash(form: string, text: string): ImportedHash | undefined {
  if (!isIn(Number(form.slice(-2)), 4, most.bcryptCost)) return undefined
  return {
    form,
    async matches(password) {
      const { verify } = await import('@node-rs/bcrypt')
      return verify(password, text)
    },
  }
}

function argonHash(kind: string, cost: string, text: string): ImportedHash | undefined {
  const numbers = numbersIn(cost)
  const [memory, passes, lanes] = ['m', 't', 'p'].map((name) => numbers.get(name))
  if (!isIn(passes, 1, most.argonPasses) || !isIn(lanes, 1, most.argonLanes)) return undefined
  if (!isIn(memory, 8 * lanes, most.argonKiB)) return undefined
  return {
    form: `${kind}$m=${memory},t=${passes},p=${lanes}`,
    async matches(password) {
      const { default: argon2 } = await import('argon2')
      return argon2.verify(text, password)
    },
  }
}

function deriveBy(algorithm: string, cost: ReadonlyMap<string, number>, length: number): Derive | undefined {
  if (length < 16 || length > most.hashBytes) return undefined
  switch (algorithm) {
    case 'scrypt':
      return scryptBy(cost, length)
    case 'firebase-scrypt':
      return firebaseScryptBy(cost, length)
    case 'pbkdf2-sha1':
    case 'pbkdf2-sha256':
    case 'pbkdf2-sha512': {
      const iterations = cost.get('i')
      if (cost.size !== 1 || !isIn(iterations, 1, most.iterations)) return undefined
      return (password, salt) => pbkdf2Bytes(password, salt, iterations, length, algorithm.slice('pbkdf2-'.length))
    }
    default:
      return undefined
  }
}

/** RFC 7914; `ln` is the logarithm of N. */
function scryptBy(cost: ReadonlyMap<string, number>, length: number): Derive | undefined {
  const [ln, r, p] = [cost.get('ln'), cost.get('r'), cost.get('p')]
  if (cost.size !== 3 || !isIn(ln, 1, 20) || !isIn(r, 1, 64) || !isIn(p, 1, most.scryptLanes)) return undefined
  const N = 2 ** ln
  if (128 * N * r > most.scryptBytes) return undefined
  const options = { N, r, p, maxmem: 2 * most.scryptBytes }
  return (password, salt) => scryptBytes(password, salt, length, options)
}

/**
 * Firebase's variant: what scrypt makes of the password encrypts the project's signer key (AES-256 in counter mode). Stored is
 * the key stream alone, hash xor signer key, so that the signer key itself need not be (see `firebaseHash`).
 */
function firebaseScryptBy(cost: ReadonlyMap<string, number>, length: number): Derive | undefined {
  const derive = scryptBy(new Map([...cost, ['p', 1]]), 32)
  if (cost.size !== 2 || derive === undefined) return undefined
  return async (password, salt) =>
    createCipheriv('aes-256-ctr', await derive(password, salt), Buffer.alloc(16)).update(Buffer.alloc(length))
}

/** The text for a hash whose parts are known. */
export const importedHashText = (algorithm: string, cost: string, salt: Buffer, hash: Buffer): string =>
  `$${algorithm}$${cost}$${unpadded(salt)}$${unpadded(hash)}`

const unpadded = (bytes: Buffer): string => bytes.toString('base64').replaceAll('=', '')
