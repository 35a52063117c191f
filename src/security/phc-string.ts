import { constantTimeEqual } from './digest.ts'

/** A stored argon2id hash, taken apart. */
export interface Phc {
  memoryKiB: number
  passes: number
  lanes: number
  salt: Buffer
  hash: Buffer
}

const shape = /^\$argon2id\$v=19\$([mtp]=\d+,[mtp]=\d+,[mtp]=\d+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/

/** @returns undefined for what is no argon2id hash of version 1.3; the two libraries order the parameters differently */
export function parsePhc(text: string): Phc | undefined {
  const [, parameters, salt, hash] = shape.exec(text) ?? []
  if (parameters === undefined || salt === undefined || hash === undefined) return undefined
  const values = new Map(parameters.split(',').map((part) => [part.charAt(0), Number(part.slice(2))]))
  const [memoryKiB, passes, lanes] = [values.get('m'), values.get('t'), values.get('p')]
  if (memoryKiB === undefined || passes === undefined || lanes === undefined) return undefined
  return { memoryKiB, passes, lanes, salt: Buffer.from(salt, 'base64'), hash: Buffer.from(hash, 'base64') }
}

/** In the reference implementation's order of parameters. */
export const phcText = ({ memoryKiB, passes, lanes, salt, hash }: Phc): string =>
  `$argon2id$v=19$m=${memoryKiB},t=${passes},p=${lanes}$${unpadded(salt)}$${unpadded(hash)}`

const unpadded = (bytes: Buffer): string => bytes.toString('base64').replaceAll('=', '')

/** One look at a password tells of both: salt, cost and length are the same. */
export const sharesSalt = (one: Phc, other: Phc): boolean =>
  one.memoryKiB === other.memoryKiB &&
  one.passes === other.passes &&
  one.lanes === other.lanes &&
  one.hash.length === other.hash.length &&
  constantTimeEqual(one.salt, other.salt)
