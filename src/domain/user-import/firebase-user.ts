import { z } from 'zod'
import { firebaseHash } from './imported-password.ts'
import type { FirebaseHashParameters } from './imported-password.ts'
import type { ImportRow } from './import-row.ts'

/* Users as `firebase auth:export` writes them. */

const milliseconds = z.union([z.string().regex(/^\d{1,15}$/), z.number().int().min(0)]).transform(Number)

const firebaseUser = z.looseObject({
  localId: z.string(),
  email: z.string().optional(),
  emailVerified: z.boolean().default(false),
  passwordHash: z.string().optional(),
  salt: z.string().default(''),
  displayName: z.string().optional(),
  photoUrl: z.string().optional(),
  phoneNumber: z.string().optional(),
  disabled: z.boolean().default(false),
  createdAt: milliseconds.optional(),
})

/** The project's parameters, in the words of its console. */
export const firebaseParameters = z
  .looseObject({
    algorithm: z.literal('SCRYPT', { error: 'must be SCRYPT' }),
    base64_signer_key: z.string().min(1),
    base64_salt_separator: z.string().default(''),
    rounds: z.number().int().min(1).max(64),
    mem_cost: z.number().int().min(1).max(20),
  })
  .transform((given): FirebaseHashParameters => ({
    signerKey: Buffer.from(given.base64_signer_key, 'base64'),
    saltSeparator: Buffer.from(given.base64_salt_separator, 'base64'),
    rounds: given.rounds,
    memoryCost: given.mem_cost,
  }))

export const isFirebaseUser = (user: unknown): boolean =>
  typeof user === 'object' && user !== null && 'localId' in user && typeof user.localId === 'string'

/** @returns the user, or why there is none to be made of it */
export function fromFirebase(
  given: unknown,
  parameters: FirebaseHashParameters | undefined,
): { user: ImportRow } | { problem: string } {
  const read = firebaseUser.safeParse(given)
  if (!read.success) return { problem: 'is no user as firebase auth:export writes them' }
  const { localId, passwordHash, ...user } = read.data
  if (passwordHash !== undefined && parameters === undefined) {
    return { problem: 'its password hash needs the project’s parameters: --firebase-parameters' }
  }
  const stored =
    passwordHash === undefined || parameters === undefined
      ? undefined
      : firebaseHash(parameters, user.salt, passwordHash)
  if (passwordHash !== undefined && stored === undefined) {
    return { problem: 'its password hash does not go with --firebase-parameters' }
  }
  return {
    user: {
      Username: localId,
      Sub: localId,
      Enabled: !user.disabled,
      Attributes: attributesOf(user),
      ...(stored === undefined ? {} : { PasswordHash: stored }),
      ...(user.createdAt === undefined ? {} : { UserCreateDate: new Date(user.createdAt).toISOString() }),
    },
  }
}

const attributesOf = (
  user: Pick<z.output<typeof firebaseUser>, 'email' | 'emailVerified' | 'displayName' | 'photoUrl' | 'phoneNumber'>,
): Record<string, string> => ({
  ...(user.email === undefined ? {} : { email: user.email, email_verified: String(user.emailVerified) }),
  ...(user.displayName === undefined ? {} : { name: user.displayName }),
  ...(user.photoUrl === undefined ? {} : { picture: user.photoUrl }),
  // Firebase has none that was not proved.
  ...(user.phoneNumber === undefined ? {} : { phone_number: user.phoneNumber, phone_number_verified: 'true' }),
})
