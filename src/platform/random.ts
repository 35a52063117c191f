import { randomBytes, randomInt, randomUUID } from 'node:crypto'

/** The only source of randomness: all of it from the operating system's generator. */
export interface Random {
  bytes(length: number): Buffer
  /** A decimal string of exactly `length` digits, each equally likely. */
  digits(length: number): string
  uuid(): string
  /** 256 random bits as base64url (43 characters): every bearer handle that we give away. */
  handle(): string
  /** `length` characters drawn evenly from `alphabet`. */
  text(length: number, alphabet: string): string
}

export const systemRandom: Random = {
  bytes: (length) => randomBytes(length),
  digits: (length) => Array.from({ length }, () => randomInt(10)).join(''),
  uuid: () => randomUUID(),
  handle: () => randomBytes(32).toString('base64url'),
  text: (length, alphabet) => Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join(''),
}
