import { newUserPoolId } from '../../platform/ids.ts'
import { onRecord } from '../audit/record.ts'
import type { DomainServices } from '../ports/services.ts'
import type { Repositories, UserPoolRecord } from '../ports/store.ts'
import { createSigningKey } from '../tokens/signing-keys.ts'
import type { UserPoolConfiguration } from './configuration.ts'
import { chooseIssuer } from './issuer.ts'
import { userPoolFrom } from './user-pool-settings.ts'

export type CreateUserPoolRefusal = 'idExists' | 'nameExists' | 'issuerTaken' | 'domainTaken'

export type CreateUserPoolOutcome =
  { kind: 'done'; userPoolId: string } | { kind: 'refused'; reason: CreateUserPoolRefusal; taken: string }

type NewUserPool = Pick<UserPoolConfiguration, 'id' | 'name' | 'isDefault' | 'issuer' | 'domains' | 'settings'>

/**
 * Cognito's CreateUserPool: the pool with its first signing keys, in one transaction, so that no server ever sees it
 * without. Names are unique here, since the configuration file knows pools by them. The first pool is the default one.
 */
export async function createUserPool(
  services: DomainServices,
  request: { userPool: NewUserPool; publicUrl: string; region: string },
): Promise<CreateUserPoolOutcome> {
  const { userPool, publicUrl, region } = request
  const stored = await services.store.settings.userPools()
  const id = userPool.id ?? newUserPoolId(services.random, region)
  const issuer = chooseIssuer({ id, existing: undefined, configured: userPool.issuer, publicUrl })
  const record: Omit<UserPoolRecord, 'version'> = {
    id,
    name: userPool.name,
    isDefault: userPool.isDefault ?? !stored.some((other) => other.isDefault),
    issuer: issuer.issuer,
    issuerFollowsPublicUrl: issuer.followsPublicUrl,
    domains: userPool.domains ?? [],
    settings: { ...userPool.settings, ...(userPool.issuer === undefined ? {} : { Issuer: userPool.issuer }) },
  }
  const conflict = conflictWith(stored, record)
  if (conflict !== undefined) return { kind: 'refused', ...conflict }
  const { signingAlgorithm: algorithm } = userPoolFrom({ ...record, version: 1 })
  const keys = await Promise.all(
    (['id', 'access'] as const).map((use) => createSigningKey(services, { userPoolId: id, use, algorithm })),
  )
  const work = async (tx: Repositories) => {
    await tx.settings.saveUserPool(record, services.clock.now())
    for (const key of keys) await tx.settings.addSigningKey(key)
  }
  await onRecord(services, work, () => ({ userPoolId: id, eventType: 'UserPoolCreate', detail: { name: record.name } }))
  return { kind: 'done', userPoolId: id }
}

function conflictWith(
  stored: readonly UserPoolRecord[],
  record: Omit<UserPoolRecord, 'version'>,
): { reason: CreateUserPoolRefusal; taken: string } | undefined {
  if (stored.some((other) => other.id === record.id)) return { reason: 'idExists', taken: record.id }
  if (stored.some((other) => other.name === record.name)) return { reason: 'nameExists', taken: record.name }
  if (stored.some((other) => other.issuer === record.issuer)) return { reason: 'issuerTaken', taken: record.issuer }
  const domain = record.domains.find((origin) => stored.some((other) => other.domains.includes(origin)))
  return domain === undefined ? undefined : { reason: 'domainTaken', taken: domain }
}
