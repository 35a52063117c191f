import { createCipheriv, pbkdf2Sync, randomBytes, scryptSync } from 'node:crypto'
import { hash as bcrypt } from '@node-rs/bcrypt'
import argon2 from 'argon2'

/* Password hashes as other places make them, at the least cost that there is. */

export const firebaseParameters = {
  algorithm: 'SCRYPT',
  base64_signer_key: Buffer.alloc(64, 'signer key of a project ').toString('base64'),
  base64_salt_separator: 'Bw==',
  rounds: 1,
  mem_cost: 4,
}

/** A user as `firebase auth:export` has them. */
export function firebaseHashOf(password: string): { passwordHash: string; salt: string } {
  const salt = randomBytes(8)
  const whole = Buffer.concat([salt, Buffer.from(firebaseParameters.base64_salt_separator, 'base64')])
  const key = scryptSync(password, whole, 32, {
    N: 2 ** firebaseParameters.mem_cost,
    r: firebaseParameters.rounds,
    p: 1,
  })
  const signerKey = Buffer.from(firebaseParameters.base64_signer_key, 'base64')
  const hash = createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(signerKey)
  return { passwordHash: hash.toString('base64'), salt: salt.toString('base64') }
}

export const hashesOf = {
  bcrypt: (password: string): Promise<string> => bcrypt(password, 4),
  scrypt: async (password: string): Promise<string> => {
    const salt = randomBytes(8)
    return `16$1$1$${salt.toString('hex')}$${scryptSync(password, salt, 32, { N: 16, r: 1, p: 1 }).toString('hex')}`
  },
  pbkdf2: async (password: string): Promise<string> => {
    const salt = randomBytes(8)
    const hash = pbkdf2Sync(password, salt, 10, 32, 'sha256').toString('base64')
    return `$pbkdf2-sha256$10$${salt.toString('base64')}$${hash}`.replaceAll('+', '.').replaceAll('=', '')
  },
  argon2: (password: string): Promise<string> =>
    argon2.hash(password, { type: argon2.argon2id, memoryCost: 32, timeCost: 3, parallelism: 1 }),
}
