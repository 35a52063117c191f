import { z } from 'zod'
import { addClientSecret, deleteClientSecret } from '../../domain/app-clients/administer-client-secrets.ts'
import type { AddSecretOutcome, DeleteSecretOutcome } from '../../domain/app-clients/administer-client-secrets.ts'
import type { AppClientSecretRecord } from '../../domain/ports/store.ts'
import { defineCommand } from './administration.ts'
import { chooseSecret, clientSecret, readAppClient, requireAppClient, target } from './client-commands.ts'
import { CommandFailure } from './command-failure.ts'
import { requireSnapshot } from './find.ts'

/** Cognito's ClientSecretDescriptor. The value is only ever answered when it has just been generated. */
export interface ClientSecretView {
  ClientSecretId: string
  ClientSecretCreateDate: string
  ClientSecretValue?: string
}

const secretView = ({ id, createdAt }: AppClientSecretRecord): ClientSecretView => ({
  ClientSecretId: id,
  ClientSecretCreateDate: createdAt.toISOString(),
})

/** Cognito's AddUserPoolClientSecret. */
export const addClientSecretCommand = defineCommand(
  z.strictObject({ ...target, secret: clientSecret }),
  async (administration, input): Promise<ClientSecretView> => {
    await requireSnapshot(administration, input.userPool)
    const record = await requireAppClient(administration, input)
    const chosen = chooseSecret(administration, input.secret)
    const secret = chosen.secret ?? ''
    readAppClient({ ...record.settings, ClientId: record.id, ClientSecret: secret })
    const request = { userPoolId: record.userPoolId, clientId: record.id, secret }
    const outcome = await addClientSecret(administration.domain, request)
    if (outcome.kind === 'refused') throw refusal(record.id, outcome)
    const shown = chosen.shown.ClientSecret
    return { ...secretView(outcome.secret), ...(shown === undefined ? {} : { ClientSecretValue: shown }) }
  },
)

/** Cognito's ListUserPoolClientSecrets. */
export const listClientSecrets = defineCommand(z.strictObject(target), async (administration, input) => {
  const { secrets = [] } = await requireAppClient(administration, input)
  return { ClientSecrets: secrets.map(secretView) }
})

/** Cognito's DeleteUserPoolClientSecret. */
export const deleteClientSecretCommand = defineCommand(
  z.strictObject({ ...target, secretId: z.string().min(1).max(128) }),
  async (administration, input): Promise<ClientSecretView> => {
    const record = await requireAppClient(administration, input)
    const request = { userPoolId: record.userPoolId, clientId: record.id, secretId: input.secretId }
    const outcome = await deleteClientSecret(administration.domain, request)
    if (outcome.kind === 'refused') throw refusal(record.id, outcome)
    return secretView(outcome.secret)
  },
)

type Reason = Extract<AddSecretOutcome | DeleteSecretOutcome, { kind: 'refused' }>['reason']

const reasons: Readonly<Record<Reason, string>> = {
  noSuchClient: 'is there no more',
  publicClient: 'is a public client: it has no secret',
  tooManySecrets: 'has two secrets already: delete one of them first',
  sameSecret: 'has this very secret already',
  noSuchSecret: 'has no such secret',
  lastSecret: 'has no other secret: add one first, or rotate it',
}

const refusal = (clientId: string, { reason }: { reason: Reason }): CommandFailure =>
  new CommandFailure(
    reason === 'noSuchClient' || reason === 'noSuchSecret' ? 'notFound' : 'refused',
    `App client ${clientId} ${reasons[reason]}.`,
  )
