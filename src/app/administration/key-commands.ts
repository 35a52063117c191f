import { z } from 'zod'
import { leadSeconds, rotateSigningKeys } from '../../domain/tokens/rotate-signing-keys.ts'
import { openSigningKeys, publishedKeys, signerOf } from '../../domain/tokens/signing-key-set.ts'
import type { SigningKey, SigningKeySet } from '../../domain/tokens/signing-key-set.ts'
import type { UserPool } from '../../domain/user-pools/user-pool.ts'
import { defineCommand } from './administration.ts'
import type { Administration } from './administration.ts'
import { requireSnapshot, requireUserPool, userPoolSelector } from './find.ts'

/** One signing key as an operator sees it. */
export interface SigningKeyView {
  UserPoolId: string
  KeyId: string
  Use: 'id' | 'access'
  Algorithm: string
  /** `next` waits for `SignsFrom`; `verifying` stays in the JWKS until `PublishedUntil`; `retired` only reads hints. */
  State: 'next' | 'signing' | 'verifying' | 'retired'
  SignsFrom: string
  PublishedUntil?: string
}

const whichPools = { userPool: userPoolSelector, all: z.boolean().optional() }

/** The keys of one user pool, or of all. */
export const listSigningKeys = defineCommand(z.strictObject(whichPools), async (administration, input) => ({
  SigningKeys: await viewsOf(administration, await poolsOf(administration, input)),
}))

/** New signing keys for one user pool, or for all. */
export const rotateSigningKeysCommand = defineCommand(
  z.strictObject({ ...whichPools, now: z.boolean().optional(), revokeOld: z.boolean().optional() }),
  async (administration, input) => {
    const userPools = await poolsOf(administration, input)
    for (const { id: userPoolId } of userPools) {
      await rotateSigningKeys(administration.domain, {
        userPoolId,
        ...(input.now === undefined ? {} : { now: input.now }),
        ...(input.revokeOld === undefined ? {} : { revokeOld: input.revokeOld }),
      })
    }
    await administration.directory.refresh()
    return { LeadSeconds: leadSeconds, SigningKeys: await viewsOf(administration, userPools) }
  },
)

/** Opens the keys of one of them, so that nothing is sealed with a secret that is not this database's. */
async function poolsOf(
  administration: Administration,
  input: { userPool?: string | undefined; all?: boolean | undefined },
): Promise<readonly UserPool[]> {
  if (input.all !== true) {
    const { userPool } = await requireSnapshot(administration, input.userPool)
    return [userPool]
  }
  const userPools = administration.directory.all()
  await requireSnapshot(administration, requireUserPool(administration, userPools[0]?.id).id)
  return userPools
}

async function viewsOf({ domain }: Administration, userPools: readonly UserPool[]): Promise<readonly SigningKeyView[]> {
  const now = domain.clock.now()
  const views: SigningKeyView[] = []
  for (const { id } of userPools) {
    const keys = openSigningKeys(await domain.store.settings.signingKeys(id), domain.sealedBox)
    if (keys !== undefined) views.push(...[...keys.byKid.values()].map((key) => viewOf(id, keys, key, now)))
  }
  return views
}

function viewOf(userPoolId: string, keys: SigningKeySet, key: SigningKey, now: Date): SigningKeyView {
  return {
    UserPoolId: userPoolId,
    KeyId: key.kid,
    Use: key.use,
    Algorithm: key.algorithm,
    State: stateOf(keys, key, now),
    SignsFrom: key.activeAt.toISOString(),
    ...(key.publishedUntil === undefined ? {} : { PublishedUntil: key.publishedUntil.toISOString() }),
  }
}

function stateOf(keys: SigningKeySet, key: SigningKey, now: Date): SigningKeyView['State'] {
  if (key.activeAt > now) return 'next'
  if (key.privateKey !== undefined && signerOf(keys, key.use, key.algorithm, now) === key) return 'signing'
  return publishedKeys(keys, now).includes(key) ? 'verifying' : 'retired'
}
