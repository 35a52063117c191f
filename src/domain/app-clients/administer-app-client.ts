import { newClientId } from '../../platform/ids.ts'
import { onRecord } from '../audit/record.ts'
import type { DomainServices } from '../ports/services.ts'
import type { AppClientRecord, Repositories } from '../ports/store.ts'
import type { SigningAlgorithm } from '../tokens/signing-key.ts'
import { ensureSigningKeys } from '../tokens/signing-keys.ts'
import type { UserPoolConfiguration } from '../user-pools/configuration.ts'
import { userPoolFrom } from '../user-pools/user-pool-settings.ts'
import { attributeProblems } from './attribute-access.ts'
import { configuredSecrets, secretsMember } from './client-secrets.ts'
import { customScopes, standardScopes } from './scopes.ts'

/* What an operator does with app clients: Cognito's *UserPoolClient operations (secrets: administer-client-secrets). */

type NewAppClient = UserPoolConfiguration['clients'][number]

export type CreateAppClientOutcome =
  | { kind: 'done'; appClient: AppClientRecord }
  | { kind: 'refused'; reason: 'clientExists' }
  | { kind: 'refused'; reason: 'unknownScope'; scope: string }
  | { kind: 'refused'; reason: 'attributes'; problems: readonly string[] }

/**
 * Cognito's CreateUserPoolClient.
 * @param request.appClient checked already (see `userPoolConfigurationSchema`); without a secret it is a public client
 */
export async function createAppClient(
  services: DomainServices,
  request: { userPoolId: string; appClient: NewAppClient },
): Promise<CreateAppClientOutcome> {
  const { userPoolId, appClient } = request
  const { settings } = services.store
  const known = new Set<string>([...standardScopes, ...customScopes(await settings.resourceServers(userPoolId))])
  const wanted = (appClient.settings['AllowedOAuthScopes'] ?? []) as readonly string[]
  const unknown = wanted.find((scope) => !known.has(scope))
  if (unknown !== undefined) return { kind: 'refused', reason: 'unknownScope', scope: unknown }
  const userPool = (await settings.userPools()).find(({ id }) => id === userPoolId)
  const problems = userPool === undefined ? [] : attributeProblems(userPoolFrom(userPool), appClient.settings)
  if (problems.length > 0) return { kind: 'refused', reason: 'attributes', problems }
  const record: AppClientRecord = {
    userPoolId,
    id: appClient.id ?? newClientId(services.random),
    name: appClient.name,
    ...secretsMember(configuredSecrets(services, undefined, appClient.secrets)),
    settings: appClient.settings,
  }
  const algorithm = appClient.settings['SigningAlgorithm'] as SigningAlgorithm | undefined
  if (algorithm !== undefined) await ensureSigningKeys({ ...services, settings }, userPoolId, [algorithm])
  const work = async (tx: Repositories): Promise<boolean> => {
    if ((await tx.settings.appClients(userPoolId)).some(({ id }) => id === record.id)) return false
    await tx.settings.saveAppClient(record, services.clock.now())
    return true
  }
  const added = await onRecord(services, work, (made) => ({
    userPoolId,
    eventType: 'AppClientCreate',
    clientId: record.id,
    ...(made ? {} : { response: 'Fail', reason: 'clientExists' }),
  }))
  return added ? { kind: 'done', appClient: record } : { kind: 'refused', reason: 'clientExists' }
}

/** Cognito's DeleteUserPoolClient: with every grant that it was given. */
export const deleteAppClient = (
  services: DomainServices,
  { userPoolId, id: clientId }: Pick<AppClientRecord, 'userPoolId' | 'id'>,
): Promise<boolean> =>
  onRecord(
    services,
    (tx) => tx.settings.deleteAppClient(userPoolId, clientId),
    (deleted) => (deleted ? { userPoolId, eventType: 'AppClientDelete', clientId } : undefined),
  )
