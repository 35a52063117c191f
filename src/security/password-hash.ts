import { availableParallelism } from 'node:os'
import argon2 from 'argon2'
import type { Random } from '../platform/random.ts'
import { constantTimeEqual } from './digest.ts'
import { parseImportedHash, workLike } from './imported-hash.ts'
import type { ImportedHash } from './imported-hash.ts'
import { OverloadedError } from './overloaded-error.ts'
import { parsePhc, phcText, sharesSalt } from './phc-string.ts'
import type { Phc } from './phc-string.ts'

/** OWASP's floor for argon2id is 19 MiB, 2 passes, 1 lane. */
export interface HashCost {
  memoryKiB: number
  passes: number
}

export const defaultHashCost: HashCost = { memoryKiB: 19_456, passes: 2 }

/** Longer input is refused before hashing (Cognito's maximum; threat row B20). */
export const maximumPasswordLength = 256

export interface PasswordHasher {
  /**
   * @param like a hash of ours whose salt and cost are taken, so that one look compares a password with both
   * @returns a PHC string (`$argon2id$…`). @throws OverloadedError when the queue is full
   */
  hash(password: string, like?: string): Promise<string>
  /**
   * Checks a password in the same time whether or not there is a hash: without one a decoy of equal cost is computed
   * and the answer is false (threat row B14).
   * @throws OverloadedError when the queue is full
   */
  verify(password: string, phc: string | undefined): Promise<boolean>
  /**
   * Checks a password against an account's hash and a decoy's at once, in the time of `verify` whether or not there is
   * either: a decoy is compared where it shares the account's salt, or where there is no account's hash.
   * @param forms of imported hashes that accounts may have: the work of each is done whoever is asked about (threat row B14)
   * @throws OverloadedError when the queue is full
   */
  verifyEither(
    password: string,
    phc: string | undefined,
    decoyPhc: string | undefined,
    forms?: readonly string[],
  ): Promise<EitherMatch>
  /** The form of a hash that is another place's, or of another cost than ours; undefined of one of our own, or none at all. */
  importedForm(phc: string): string | undefined
  /** False where both are ours and `verifyEither` cannot tell of both: the account has another password since. */
  sharesSalt(phc: string, decoyPhc: string): boolean
}

export interface EitherMatch {
  /** `imported`: the hash is another place's, and to be replaced by one of ours. */
  account: boolean | 'imported'
  decoy: boolean
}

interface Argon2 {
  hash(password: string, cost: HashCost): Promise<string>
  /** The bytes that this salt and cost make of a password. */
  hashLike(password: string, phc: Phc): Promise<Buffer>
  verify(phc: string, password: string): Promise<boolean>
}

/** Waiting hashes beyond which a caller is told to come back: at 30 ms each, about two seconds a core. */
const queuePerCore = 64

/**
 * A bounded pool of argon2id work (design decision 11): as many at once as there are cores, so that a burst of logins
 * leaves libuv threads for signing tokens.
 */
export async function createPasswordHasher(options: {
  random: Random
  cost?: HashCost
  concurrency?: number
}): Promise<PasswordHasher> {
  const cost = options.cost ?? defaultHashCost
  const argon = await loadArgon2()
  const admit = createAdmission(options.concurrency ?? availableParallelism())
  const nobodys = await argon.hash(options.random.handle(), cost)
  /** One of another cost is treated as another place's. */
  const parseOwn = (text: string | undefined): Phc | undefined => {
    const phc = text === undefined ? undefined : parsePhc(text)
    const isOwn = phc?.memoryKiB === cost.memoryKiB && phc.passes === cost.passes && phc.lanes === 1
    return isOwn ? phc : undefined
  }
  return {
    hash: (password, like) =>
      admit(async () => {
        const model = parseOwn(like)
        if (model === undefined) return argon.hash(checkLength(password), cost)
        return phcText({ ...model, hash: await argon.hashLike(checkLength(password), model) })
      }),
    async verifyEither(password, phc, decoyPhc, forms = []) {
      if (password.length > maximumPasswordLength) return { account: false, decoy: false }
      const [own, decoy] = [parseOwn(phc), parseOwn(decoyPhc)]
      const model = own ?? decoy ?? parseOwn(nobodys)
      if (model === undefined) throw new TypeError('a hash of our own is none')
      const typed = await admit(() => argon.hashLike(password, model))
      const matches = (stored: Phc | undefined): boolean =>
        stored !== undefined && sharesSalt(stored, model) && constantTimeEqual(stored.hash, typed)
      const imported = own !== undefined || phc === undefined ? undefined : parseImportedHash(phc)
      const isImported = await checkImported(admit, password, imported, forms)
      return { account: isImported ? 'imported' : matches(own), decoy: matches(decoy) }
    },
    importedForm: (phc) => (parseOwn(phc) === undefined ? parseImportedHash(phc)?.form : undefined),
    sharesSalt(phc, decoyPhc) {
      const [account, decoy] = [parseOwn(phc), parseOwn(decoyPhc)]
      return account === undefined || decoy === undefined || sharesSalt(account, decoy)
    },
    async verify(password, phc) {
      if (password.length > maximumPasswordLength) return false
      const matches = await admit(() => argon.verify(phc ?? nobodys, password))
      return phc !== undefined && matches
    },
  }
}

/** One after the other, the account's own among them or not. */
async function checkImported(
  admit: Admit,
  password: string,
  imported: ImportedHash | undefined,
  forms: readonly string[],
): Promise<boolean> {
  let isRight = false
  for (const form of new Set([...forms, ...(imported === undefined ? [] : [imported.form])])) {
    if (form === imported?.form) isRight = await admit(() => imported.matches(password))
    else await admit(() => workLike(form, password))
  }
  return isRight
}

function checkLength(password: string): string {
  if (password.length > maximumPasswordLength) throw new RangeError('password too long to hash')
  return password
}

/** `@node-rs/argon2` hashes more than twice as fast; where its platform build is missing, `argon2` does the same work. */
async function loadArgon2(): Promise<Argon2> {
  const native = await import('@node-rs/argon2').catch(() => undefined)
  if (native !== undefined) {
    return {
      hash: (password, cost) =>
        native.hash(password, { algorithm: 2, memoryCost: cost.memoryKiB, timeCost: cost.passes, parallelism: 1 }),
      hashLike: (password, { memoryKiB, passes, lanes, salt, hash }) =>
        native.hashRaw(password, {
          algorithm: 2,
          memoryCost: memoryKiB,
          timeCost: passes,
          parallelism: lanes,
          salt,
          outputLen: hash.length,
        }),
      verify: (phc, password) => native.verify(phc, password),
    }
  }
  return {
    hash: (password, cost) =>
      argon2.hash(password, {
        type: argon2.argon2id,
        memoryCost: cost.memoryKiB,
        timeCost: cost.passes,
        parallelism: 1,
      }),
    hashLike: (password, { memoryKiB, passes, lanes, salt, hash }) =>
      argon2.hash(password, {
        type: argon2.argon2id,
        memoryCost: memoryKiB,
        timeCost: passes,
        parallelism: lanes,
        salt,
        hashLength: hash.length,
        raw: true,
      }),
    verify: (phc, password) => argon2.verify(phc, password),
  }
}

type Admit = <T>(work: () => Promise<T>) => Promise<T>

function createAdmission(concurrency: number): Admit {
  let running = 0
  const waiting: (() => void)[] = []
  const enter = async (): Promise<void> => {
    if (running < concurrency) {
      running += 1
      return
    }
    if (waiting.length >= concurrency * queuePerCore) throw new OverloadedError()
    await new Promise<void>((resolve) => waiting.push(resolve))
  }
  const leave = (): void => {
    const next = waiting.shift()
    if (next === undefined) running -= 1
    else next()
  }
  return async (work) => {
    await enter()
    try {
      return await work()
    } finally {
      leave()
    }
  }
}
