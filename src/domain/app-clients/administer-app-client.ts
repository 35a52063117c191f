import { newClientId } from '../../platform/ids.ts'
import type { Random } from '../../platform/random.ts'
import type { DomainServices } from '../ports/services.ts'
import type { AppClientRecord } from '../ports/store.ts'
import type { SigningAlgorithm } from '../tokens/signing-key.ts'
import { ensureSigningKeys } from '../tokens/signing-keys.ts'
import type { UserPoolConfiguration } from '../user-pools/configuration.ts'
import { clientSecretPurpose } from '../user-pools/user-pool-directory.ts'
import { customScopes, standardScopes } from './scopes.ts'

/* What an operator does with app clients: Cognito's *UserPoolClient operations. */

type NewAppClient = UserPoolConfiguration['clients'][number]

export type CreateAppClientOutcome =
  | { kind: 'done'; appClient: AppClientRecord }
  | { kind: 'refused'; reason: 'clientExists' }
  | { kind: 'refused'; reason: 'unknownScope'; scope: string }

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
  const record: AppClientRecord = {
    userPoolId,
    id: appClient.id ?? newClientId(services.random),
    name: appClient.name,
    ...(appClient.secret === undefined ? {} : { sealedSecret: seal(services, appClient.secret) }),
    settings: appClient.settings,
  }
  const algorithm = appClient.settings['SigningAlgorithm'] as SigningAlgorithm | undefined
  if (algorithm !== undefined) await ensureSigningKeys({ ...services, settings }, userPoolId, [algorithm])
  const added = await services.store.transaction(async (tx) => {
    if ((await tx.settings.appClients(userPoolId)).some(({ id }) => id === record.id)) return false
    await tx.settings.saveAppClient(record, services.clock.now())
    return true
  })
  return added ? { kind: 'done', appClient: record } : { kind: 'refused', reason: 'clientExists' }
}

/** Puts another secret in the place of the former one, which stops working at once. False: a public client has none. */
export async function replaceClientSecret(
  services: DomainServices,
  request: { userPoolId: string; clientId: string; secret: string },
): Promise<boolean> {
  const sealedSecret = seal(services, request.secret)
  return services.store.transaction(async (tx) => {
    const stored = await tx.settings.appClients(request.userPoolId)
    const record = stored.find(({ id }) => id === request.clientId)
    if (record?.sealedSecret === undefined) return false
    await tx.settings.saveAppClient({ ...record, sealedSecret }, services.clock.now())
    return true
  })
}

/** 52 lower-case letters and digits (268 bits), as Cognito's are. */
export const newClientSecret = (random: Random): string => random.text(52, 'abcdefghijklmnopqrstuvwxyz0123456789')

const seal = (services: DomainServices, secret: string): string => services.sealedBox.seal(secret, clientSecretPurpose)
