import { z } from 'zod'
import type { UserPoolRecord } from '../../domain/ports/store.ts'
import { userPoolConfigurationSchema } from '../../domain/user-pools/configuration.ts'
import { createUserPool } from '../../domain/user-pools/create-user-pool.ts'
import type { CreateUserPoolRefusal } from '../../domain/user-pools/create-user-pool.ts'
import { deleteUserPool } from '../../domain/user-pools/delete-user-pool.ts'
import { setIssuer } from '../../domain/user-pools/set-issuer.ts'
import { signOutUserPool } from '../../domain/user-pools/sign-out-user-pool.ts'
import { defineCommand } from './administration.ts'
import type { Administration } from './administration.ts'
import { CommandFailure } from './command-failure.ts'
import { requireUserPool, requireUserPoolRecord, userPoolSelector } from './find.ts'
import { readSettings } from './read-settings.ts'

/** A user pool as the configuration file writes it: the answer can be pasted there. */
export interface UserPoolView {
  Id: string
  PoolName: string
  Default: boolean
  Issuer: string
  Domains: readonly string[]
  [setting: string]: unknown
}

const userPoolView = (record: UserPoolRecord): UserPoolView => ({
  ...record.settings,
  Id: record.id,
  PoolName: record.name,
  Default: record.isDefault,
  Issuer: record.issuer,
  Domains: record.domains,
})

/** Cognito's ListUserPools, oldest first. */
export const listUserPools = defineCommand(z.strictObject({}), async ({ domain }) => ({
  UserPools: (await domain.store.settings.userPools()).map(userPoolView),
}))

/** Cognito's DescribeUserPool. */
export const showUserPool = defineCommand(
  z.strictObject({ userPool: userPoolSelector }),
  async (administration, { userPool }) => userPoolView(await requireUserPoolRecord(administration, userPool)),
)

/** Members that have commands of their own, or only the configuration file. */
const notSettings = ['Clients', 'ResourceServers', 'Groups', 'Users', 'IdentityProviders', 'Triggers']

/** Cognito's CreateUserPool; `settings` are its members, beside `Id`, `Default`, `Issuer` and `Domains`. */
export const createUserPoolCommand = defineCommand(
  z.strictObject({ settings: z.record(z.string(), z.unknown()) }),
  async (administration, { settings }) => {
    const stray = notSettings.find((name) => name in settings)
    if (stray !== undefined) {
      throw new CommandFailure('refused', `${stray} cannot be given here: write it into the configuration file.`)
    }
    const userPool = readSettings(userPoolConfigurationSchema, settings)
    await checkSecret(administration)
    const { publicUrl, region } = administration
    const outcome = await createUserPool(administration.domain, { userPool, publicUrl, region })
    if (outcome.kind === 'refused') throw new CommandFailure('refused', refusalTexts[outcome.reason](outcome.taken))
    await administration.directory.refresh()
    return userPoolView(await requireUserPoolRecord(administration, outcome.userPoolId))
  },
)

const refusalTexts: Readonly<Record<CreateUserPoolRefusal, (taken: string) => string>> = {
  idExists: (taken) => `There is a user pool ${taken} already.`,
  nameExists: (taken) => `There is a user pool named ${JSON.stringify(taken)} already.`,
  issuerTaken: (taken) => `Another user pool has the issuer ${taken}.`,
  domainTaken: (taken) => `The domain ${taken} belongs to another user pool.`,
}

/** Opens another pool's keys, so that a wrong LATCHKEY_SECRET is found out before anything is sealed with it. */
async function checkSecret({ directory }: Administration): Promise<void> {
  const [other] = directory.all()
  if (other !== undefined) await directory.get(other.id)
}

const issuer = z
  .url({ protocol: /^https?$/, error: 'the issuer must be a URL such as https://id.example.com' })
  .refine(
    (text) => !text.endsWith('/') && !/[?#@]/.test(text),
    'the issuer must have no trailing slash, query or fragment',
  )

/** Changes what design decision 5 calls permanent: tokens issued so far stop being accepted. */
export const setIssuerCommand = defineCommand(
  z.strictObject({ userPool: z.string().min(1), issuer }),
  async (administration, input) => {
    const { id } = requireUserPool(administration, input.userPool)
    const outcome = await setIssuer(administration.domain, { userPoolId: id, issuer: input.issuer })
    if (outcome.kind === 'refused') {
      if (outcome.reason === 'notFound') throw new CommandFailure('notFound', `There is no user pool ${id}.`)
      throw new CommandFailure('refused', refusalTexts.issuerTaken(input.issuer))
    }
    return { ...userPoolView(await requireUserPoolRecord(administration, id)), PreviousIssuer: outcome.previous }
  },
)

/** Ends every session and every refresh token of the pool's users. */
export const signOutPool = defineCommand(
  z.strictObject({ userPool: userPoolSelector }),
  async (administration, { userPool }) => {
    const { id } = requireUserPool(administration, userPool)
    const { sessions, grants } = await signOutUserPool(administration.domain, id)
    return { Id: id, Sessions: sessions, RefreshTokens: grants }
  },
)

/** Cognito's DeleteUserPool: with its users, app clients, keys and everything else of it. */
export const deleteUserPoolCommand = defineCommand(
  z.strictObject({ userPool: z.string().min(1) }),
  async (administration, input) => {
    const record = await requireUserPoolRecord(administration, input.userPool)
    await deleteUserPool(administration.domain, record)
    return userPoolView(record)
  },
)
