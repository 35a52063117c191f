import { isDeepStrictEqual } from 'node:util'
import { newClientId } from '../../platform/ids.ts'
import { configuredSecrets, secretsMember } from '../app-clients/client-secrets.ts'
import { onRecord } from '../audit/record.ts'
import type { AuditEntry } from '../audit/record.ts'
import type { AppClientRecord, Repositories, UserPoolRecord } from '../ports/store.ts'
import type { DomainServices } from '../ports/services.ts'
import type { SigningAlgorithm } from '../tokens/signing-key.ts'
import { ensureSigningKeys } from '../tokens/signing-keys.ts'
import { createUser, findUser } from '../users/administer-user.ts'
import type { UserPoolConfiguration } from './configuration.ts'
import { changeEntry } from './configuration-entry.ts'
import { configurationProblems, explainRefusal } from './configuration-problems.ts'
import { chooseIssuer } from './issuer.ts'
import { issuerOf, newUserOf, planUserPools } from './plan-user-pools.ts'
import type { UserPoolPlan } from './plan-user-pools.ts'
import { settingsNotActedOn } from './settings-not-acted-on.ts'
import { userPoolFrom } from './user-pool-settings.ts'

/** One thing that applying the configuration changed, or would change. */
export interface ConfigurationChange {
  action: 'create' | 'update'
  what: string
}

export interface ApplyOptions {
  publicUrl: string
  region: string
  /** Only report what would change. */
  dryRun: boolean
}

export interface ApplyResult {
  changes: readonly ConfigurationChange[]
  /** Things that are applied but should be looked at. */
  warnings: readonly string[]
  problems: readonly string[]
}

/**
 * Brings the store in line with the configuration; applying it twice changes nothing (design §5). The configuration wins
 * for the members it names, the others stay; users are made if absent and never changed or deleted.
 */
export async function applyConfiguration(
  services: DomainServices,
  userPools: readonly UserPoolConfiguration[],
  options: ApplyOptions,
): Promise<ApplyResult> {
  const stored = await services.store.settings.userPools()
  const plans = planUserPools(services, stored, userPools, options)
  const run: Run = { services, options, changes: [], warnings: plans.flatMap(warningsOf), problems: [] }
  // All of them before the first write: a start that fails should leave things as they were.
  run.problems.push(...(await configurationProblems(services, stored, plans)))
  if (run.problems.length > 0) return run
  await releaseDomains(run, plans)
  for (const plan of plans) await applyUserPool(run, plan)
  const defaultIsNamed = plans.some(({ record }) => record.isDefault)
  for (const record of stored.filter((pool) => !plans.some(({ existing }) => existing?.id === pool.id))) {
    await followPublicUrl(run, { ...record, isDefault: record.isDefault && !defaultIsNamed })
  }
  return run
}

interface Run extends ApplyResult {
  services: DomainServices
  options: ApplyOptions
  changes: ConfigurationChange[]
  warnings: string[]
  problems: string[]
}

const warningsOf = ({ record, warnings }: UserPoolPlan): string[] => [
  ...warnings,
  ...settingsNotActedOn(record.settings).map(
    (member) => `user pool ${record.id}: ${member} is kept, but this release does not act on it`,
  ),
]

/** A domain may move from one pool of the file to another: it leaves before it arrives. */
async function releaseDomains(run: Run, plans: readonly UserPoolPlan[]): Promise<void> {
  for (const { existing, record } of plans) {
    const leaving = existing?.domains.filter((domain) => !record.domains.includes(domain)) ?? []
    const wanted = leaving.some((domain) => plans.some((other) => other.record.domains.includes(domain)))
    if (existing === undefined || !wanted || run.options.dryRun) continue
    const { version: _version, ...before } = existing
    const domains = existing.domains.filter((domain) => !leaving.includes(domain))
    const entry = { userPoolId: existing.id, eventType: 'UserPoolUpdate', detail: { members: ['domains'] } } as const
    await write(run, entry, (tx, at) => tx.settings.saveUserPool({ ...before, domains }, at))
  }
}

async function applyUserPool(run: Run, { configuration, existing, record }: UserPoolPlan): Promise<void> {
  const { services, options } = run
  const { version: _version, ...before } = existing ?? { version: 0 }
  // Before any setting asks for them, since other servers see each change at once; a new pool must be there first.
  if (existing !== undefined && !options.dryRun) await ensureKeys(services, record, configuration)
  if (!isDeepStrictEqual(before, record)) {
    note(run, existing, `user pool ${record.id} (${record.name})`)
    const entry = changeEntry(record.id, 'UserPool', existing, record)
    await write(run, entry, (tx, at) => tx.settings.saveUserPool(record, at))
  }
  if (existing === undefined && !options.dryRun) await ensureKeys(services, record, configuration)
  await applyResourceServers(run, record.id, configuration)
  await applyClients(run, record.id, configuration)
  await applyGroups(run, record.id, configuration)
  await applyUsers(run, { ...record, version: existing?.version ?? 1 }, configuration)
}

/** A pair of keys for each algorithm that the pool or a client of it asks for. */
async function ensureKeys(
  services: DomainServices,
  record: Omit<UserPoolRecord, 'version'>,
  { clients }: UserPoolConfiguration,
): Promise<void> {
  const { signingAlgorithm } = userPoolFrom({ ...record, version: 1 })
  const asked = clients.flatMap(({ settings }) => (settings['SigningAlgorithm'] as SigningAlgorithm | undefined) ?? [])
  const { settings } = services.store
  await ensureSigningKeys({ ...services, settings }, record.id, [signingAlgorithm, ...asked])
}

/** A pool that no file names still follows PUBLIC_URL while its issuer does. */
async function followPublicUrl(run: Run, existing: UserPoolRecord): Promise<void> {
  const issuer = chooseIssuer({
    id: existing.id,
    existing,
    configured: issuerOf(existing.settings),
    publicUrl: run.options.publicUrl,
  })
  run.warnings.push(...issuer.warnings)
  if (issuer.issuer === existing.issuer && issuer.followsPublicUrl === existing.issuerFollowsPublicUrl) return
  note(run, existing, `user pool ${existing.id} (issuer ${issuer.issuer})`)
  const { version: _version, ...record } = existing
  const changed = { ...record, issuer: issuer.issuer, issuerFollowsPublicUrl: issuer.followsPublicUrl }
  const entry = changeEntry(existing.id, 'UserPool', existing, changed)
  await write(run, entry, (tx, at) => tx.settings.saveUserPool(changed, at))
}

/** Not when it is only tried out. */
async function write(
  { services, options }: Run,
  entry: AuditEntry,
  work: (tx: Repositories, at: Date) => Promise<void>,
): Promise<void> {
  if (options.dryRun) return
  await onRecord(
    services,
    (tx) => work(tx, services.clock.now()),
    () => entry,
  )
}

const note = (run: Run, existing: unknown, what: string): void => {
  run.changes.push({ action: existing === undefined ? 'create' : 'update', what })
}

async function applyResourceServers(run: Run, userPoolId: string, configuration: UserPoolConfiguration): Promise<void> {
  const { settings } = run.services.store
  const stored = await settings.resourceServers(userPoolId)
  for (const server of configuration.resourceServers) {
    const wanted = { userPoolId, ...server }
    const existing = stored.find((candidate) => candidate.identifier === server.identifier)
    if (isDeepStrictEqual(existing, wanted)) continue
    note(run, existing, `resource server ${server.identifier} of ${userPoolId}`)
    const entry = changeEntry(userPoolId, 'ResourceServer', existing, wanted, { identifier: server.identifier })
    await write(run, entry, (tx, at) => tx.settings.saveResourceServer(wanted, at))
  }
}

async function applyClients(run: Run, userPoolId: string, configuration: UserPoolConfiguration): Promise<void> {
  const { settings } = run.services.store
  const stored = await settings.appClients(userPoolId)
  for (const client of configuration.clients) {
    const existing = stored.find((candidate) =>
      client.id === undefined ? candidate.name === client.name : candidate.id === client.id,
    )
    const id = client.id ?? existing?.id ?? newClientId(run.services.random)
    const recordOf = (before: AppClientRecord | undefined): AppClientRecord => ({
      userPoolId,
      id,
      name: client.name,
      ...secretsMember(configuredSecrets(run.services, before, client.secrets)),
      settings: { ...before?.settings, ...client.settings },
    })
    if (isDeepStrictEqual(existing, recordOf(existing))) continue
    note(run, existing, `app client ${id} of ${userPoolId}`)
    const entry = { ...changeEntry(userPoolId, 'AppClient', existing, recordOf(existing)), clientId: id }
    // Read again under a lock: a secret may have been added elsewhere meanwhile.
    await write(run, entry, async (tx, at) => {
      const record = recordOf(await tx.settings.lockAppClient(userPoolId, id))
      await tx.settings.saveAppClient(record, at)
    })
  }
}

async function applyGroups(run: Run, userPoolId: string, configuration: UserPoolConfiguration): Promise<void> {
  const { groups } = run.services.store
  const stored = configuration.groups.length === 0 ? [] : await groups.list(userPoolId)
  for (const group of configuration.groups) {
    const wanted = {
      userPoolId,
      name: group.GroupName,
      ...(group.Description === undefined ? {} : { description: group.Description }),
      ...(group.Precedence === undefined ? {} : { precedence: group.Precedence }),
      ...(group.RoleArn === undefined ? {} : { roleArn: group.RoleArn }),
    }
    const existing = stored.find((candidate) => candidate.name === group.GroupName)
    if (isDeepStrictEqual(existing, wanted)) continue
    note(run, existing, `group ${group.GroupName} of ${userPoolId}`)
    const entry = changeEntry(userPoolId, 'Group', existing, wanted, { group: group.GroupName })
    await write(run, entry, (tx, at) => tx.groups.save(wanted, at))
  }
}

async function applyUsers(run: Run, record: UserPoolRecord, configuration: UserPoolConfiguration): Promise<void> {
  const userPool = userPoolFrom(record)
  for (const seed of configuration.users) {
    if ((await findUser(run.services, userPool, seed.Username)) !== undefined) continue
    if (!run.options.dryRun) {
      const outcome = await createUser(run.services, newUserOf(userPool, seed))
      if (outcome.kind === 'refused') {
        run.problems.push(explainRefusal(userPool, seed.Username, outcome))
        continue
      }
    }
    note(run, undefined, `user ${seed.Username} of ${userPool.id}`)
  }
}
