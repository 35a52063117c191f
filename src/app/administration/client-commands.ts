import { z } from 'zod'
import { createAppClient, deleteAppClient } from '../../domain/app-clients/administer-app-client.ts'
import { newClientSecret, replaceClientSecret } from '../../domain/app-clients/administer-client-secrets.ts'
import type { AppClientRecord } from '../../domain/ports/store.ts'
import { userPoolConfigurationSchema } from '../../domain/user-pools/configuration.ts'
import type { UserPoolConfiguration } from '../../domain/user-pools/configuration.ts'
import { defineCommand } from './administration.ts'
import type { Administration } from './administration.ts'
import { CommandFailure } from './command-failure.ts'
import { requireSnapshot, requireUserPool, userPoolSelector } from './find.ts'
import { readSettings } from './read-settings.ts'

/** An app client as the configuration file writes it. Its secret is only ever answered when it has just been generated. */
export interface AppClientView {
  ClientId: string
  ClientName: string
  UserPoolId: string
  /** False: a public client. */
  HasSecret: boolean
  ClientSecret?: string
  [setting: string]: unknown
}

const appClientView = (record: AppClientRecord): AppClientView => ({
  ...record.settings,
  ClientId: record.id,
  ClientName: record.name,
  UserPoolId: record.userPoolId,
  HasSecret: record.secrets !== undefined,
})

export const target = { userPool: userPoolSelector, clientId: z.string().min(1).max(128) }

export const clientSecret = z.union([
  z.strictObject({ value: z.string().min(1).max(4096) }),
  z.strictObject({ generate: z.literal(true) }),
])

/** Cognito's ListUserPoolClients. */
export const listAppClients = defineCommand(
  z.strictObject({ userPool: userPoolSelector }),
  async (administration, input) => {
    const { id } = requireUserPool(administration, input.userPool)
    const records = await administration.domain.store.settings.appClients(id)
    return { UserPoolClients: records.map(appClientView) }
  },
)

/** Cognito's DescribeUserPoolClient, without the secret. */
export const showAppClient = defineCommand(z.strictObject(target), async (administration, input) =>
  appClientView(await requireAppClient(administration, input)),
)

/** Cognito's CreateUserPoolClient; `settings` are its members. Without `secret` it is a public client. */
export const createAppClientCommand = defineCommand(
  z.strictObject({
    userPool: userPoolSelector,
    settings: z.record(z.string(), z.unknown()),
    secret: clientSecret.optional(),
  }),
  async (administration, input): Promise<AppClientView> => {
    const { userPool } = await requireSnapshot(administration, input.userPool)
    const chosen = chooseSecret(administration, input.secret)
    const appClient = readAppClient({
      ...input.settings,
      ...(chosen.secret === undefined ? {} : { ClientSecret: chosen.secret }),
    })
    const outcome = await createAppClient(administration.domain, { userPoolId: userPool.id, appClient })
    if (outcome.kind === 'done') return { ...appClientView(outcome.appClient), ...chosen.shown }
    if (outcome.reason === 'clientExists') {
      throw new CommandFailure('refused', `User pool ${userPool.id} has an app client ${appClient.id ?? ''} already.`)
    }
    if (outcome.reason === 'attributes') {
      throw new CommandFailure('refused', `The settings cannot be used: ${outcome.problems.join('; ')}.`)
    }
    const scope = JSON.stringify(outcome.scope)
    throw new CommandFailure('refused', `No resource server of user pool ${userPool.id} defines the scope ${scope}.`)
  },
)

/** By the rules of the configuration file, which has them all in one schema. */
export function readAppClient(settings: Readonly<Record<string, unknown>>): UserPoolConfiguration['clients'][number] {
  const userPool = { PoolName: 'any', Clients: [settings] }
  const [appClient] = readSettings(userPoolConfigurationSchema, userPool, 2).clients
  if (appClient === undefined) throw new Error('the schema lost an app client')
  return appClient
}

/** Another secret in the place of every former one, which stop working. */
export const rotateClientSecret = defineCommand(
  z.strictObject({ ...target, secret: clientSecret }),
  async (administration, input): Promise<AppClientView> => {
    await requireSnapshot(administration, input.userPool)
    const record = await requireAppClient(administration, input)
    const chosen = chooseSecret(administration, input.secret)
    const secret = chosen.secret ?? ''
    readAppClient({ ...record.settings, ClientId: record.id, ClientSecret: secret })
    const request = { userPoolId: record.userPoolId, clientId: record.id, secret }
    if (!(await replaceClientSecret(administration.domain, request))) {
      throw new CommandFailure('refused', `App client ${record.id} is a public client: it has no secret.`)
    }
    return { ...appClientView(record), ...chosen.shown }
  },
)

/** Cognito's DeleteUserPoolClient: with every grant that it was given. */
export const deleteAppClientCommand = defineCommand(z.strictObject(target), async (administration, input) => {
  const record = await requireAppClient(administration, input)
  await deleteAppClient(administration.domain, record)
  return appClientView(record)
})

export function chooseSecret(
  { domain }: Administration,
  given: z.output<typeof clientSecret> | undefined,
): { secret?: string; shown: { ClientSecret?: string } } {
  if (given === undefined) return { shown: {} }
  if ('value' in given) return { secret: given.value, shown: {} }
  const generated = newClientSecret(domain.random)
  return { secret: generated, shown: { ClientSecret: generated } }
}

export async function requireAppClient(
  administration: Administration,
  input: { userPool?: string | undefined; clientId: string },
): Promise<AppClientRecord> {
  const { id } = requireUserPool(administration, input.userPool)
  const records = await administration.domain.store.settings.appClients(id)
  const record = records.find((appClient) => appClient.id === input.clientId)
  if (record !== undefined) return record
  throw new CommandFailure('notFound', `There is no app client ${JSON.stringify(input.clientId)} in user pool ${id}.`)
}
