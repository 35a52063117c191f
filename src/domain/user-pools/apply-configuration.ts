import { isDeepStrictEqual } from 'node:util'
import { newClientId, newUserPoolId } from '../../platform/ids.ts'
import type { AppClientRecord, UserPoolRecord } from '../ports/store.ts'
import type { DomainServices } from '../ports/services.ts'
import { standardScopes } from '../app-clients/scopes.ts'
import { ensureSigningKeys } from '../tokens/signing-keys.ts'
import { createUser, findUser } from '../users/administer-user.ts'
import type { UserPoolConfiguration } from './configuration.ts'
import { chooseIssuer } from './issuer.ts'
import { clientSecretPurpose } from './user-pool-directory.ts'
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
  const run: Run = { services, options, changes: [], warnings: [], problems: [] }
  const stored = await services.store.settings.userPools()
  const nobodyIsDefault = !userPools.some((pool) => pool.isDefault === true) && !stored.some((pool) => pool.isDefault)
  for (const [index, configuration] of userPools.entries()) {
    await applyUserPool(run, stored, configuration, nobodyIsDefault && index === 0)
  }
  for (const record of stored.filter((pool) => !userPools.some((named) => isNamed(pool, named)))) {
    await followPublicUrl(run, record)
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

const isNamed = (record: UserPoolRecord, configuration: UserPoolConfiguration): boolean =>
  configuration.id === undefined ? record.name === configuration.name : record.id === configuration.id

async function applyUserPool(
  run: Run,
  stored: readonly UserPoolRecord[],
  configuration: UserPoolConfiguration,
  isFirst: boolean,
): Promise<void> {
  const { services, options } = run
  const existing = stored.find((record) => isNamed(record, configuration))
  const id = configuration.id ?? existing?.id ?? newUserPoolId(services.random, options.region)
  const settings = {
    ...existing?.settings,
    ...configuration.settings,
    ...(configuration.issuer ? { Issuer: configuration.issuer } : {}),
  }
  const issuer = chooseIssuer({ id, existing, configured: configuration.issuer, publicUrl: options.publicUrl })
  run.warnings.push(...issuer.warnings)
  const record: Omit<UserPoolRecord, 'version'> = {
    id,
    name: configuration.name,
    isDefault: configuration.isDefault ?? existing?.isDefault ?? isFirst,
    issuer: issuer.issuer,
    issuerFollowsPublicUrl: issuer.followsPublicUrl,
    domains: configuration.domains ?? existing?.domains ?? [],
    settings,
  }
  const { version: _version, ...before } = existing ?? { version: 0 }
  if (!isDeepStrictEqual(before, record)) {
    note(run, existing, `user pool ${id} (${record.name})`)
    if (!options.dryRun) await services.store.settings.saveUserPool(record, services.clock.now())
  }
  await applyResourceServers(run, id, configuration)
  await applyClients(run, id, configuration)
  await applyGroups(run, id, configuration)
  if (options.dryRun) return
  await ensureSigningKeys({ ...services, settings: services.store.settings }, id)
  await applyUsers(run, { ...record, version: existing?.version ?? 1 }, configuration)
}

/** A pool that no file names still follows PUBLIC_URL while its issuer does. */
async function followPublicUrl(run: Run, existing: UserPoolRecord): Promise<void> {
  const configured = typeof existing.settings['Issuer'] === 'string' ? existing.settings['Issuer'] : undefined
  const issuer = chooseIssuer({ id: existing.id, existing, configured, publicUrl: run.options.publicUrl })
  run.warnings.push(...issuer.warnings)
  if (issuer.issuer === existing.issuer && issuer.followsPublicUrl === existing.issuerFollowsPublicUrl) return
  note(run, existing, `user pool ${existing.id} (issuer ${issuer.issuer})`)
  if (run.options.dryRun) return
  const { version: _version, ...record } = existing
  const changed = { ...record, issuer: issuer.issuer, issuerFollowsPublicUrl: issuer.followsPublicUrl }
  await run.services.store.settings.saveUserPool(changed, run.services.clock.now())
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
    if (!run.options.dryRun) await settings.saveResourceServer(wanted, run.services.clock.now())
  }
}

async function applyClients(run: Run, userPoolId: string, configuration: UserPoolConfiguration): Promise<void> {
  const { settings } = run.services.store
  const [stored, servers] = await Promise.all([settings.appClients(userPoolId), settings.resourceServers(userPoolId)])
  const known = new Set<string>([
    ...standardScopes,
    ...[...servers, ...configuration.resourceServers].flatMap((server) =>
      server.scopes.map((scope) => `${server.identifier}/${scope.name}`),
    ),
  ])
  for (const client of configuration.clients) {
    const existing = stored.find((candidate) =>
      client.id === undefined ? candidate.name === client.name : candidate.id === client.id,
    )
    const id = client.id ?? existing?.id ?? newClientId(run.services.random)
    const scopes = (client.settings['AllowedOAuthScopes'] ?? []) as readonly string[]
    for (const scope of scopes.filter((candidate) => !known.has(candidate))) {
      run.problems.push(
        `app client ${id}: AllowedOAuthScopes names ${JSON.stringify(scope)}, which no resource server of ${userPoolId} defines`,
      )
    }
    const sealedSecret = sealSecret(run, existing, client.secret)
    const record: AppClientRecord = {
      userPoolId,
      id,
      name: client.name,
      ...(sealedSecret === undefined ? {} : { sealedSecret }),
      settings: { ...existing?.settings, ...client.settings },
    }
    if (isDeepStrictEqual(existing, record)) continue
    note(run, existing, `app client ${id} of ${userPoolId}`)
    if (!run.options.dryRun) await settings.saveAppClient(record, run.services.clock.now())
  }
}

/** Sealing the same secret twice gives two texts: an unchanged secret keeps its old one. */
function sealSecret(run: Run, existing: AppClientRecord | undefined, secret: string | undefined): string | undefined {
  const { sealedBox } = run.services
  if (secret === undefined) return existing?.sealedSecret
  if (existing?.sealedSecret !== undefined && sealedBox.open(existing.sealedSecret, clientSecretPurpose) === secret) {
    return existing.sealedSecret
  }
  return sealedBox.seal(secret, clientSecretPurpose)
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
    if (!run.options.dryRun) await groups.save(wanted, run.services.clock.now())
  }
}

async function applyUsers(run: Run, record: UserPoolRecord, configuration: UserPoolConfiguration): Promise<void> {
  const userPool = userPoolFrom(record)
  for (const seed of configuration.users) {
    if ((await findUser(run.services, userPool, seed.Username)) !== undefined) continue
    const outcome = await createUser(run.services, {
      userPool,
      username: seed.Username,
      attributes: seed.Attributes,
      ...(seed.Password === undefined ? {} : { password: seed.Password }),
      ...(seed.PasswordHash === undefined ? {} : { passwordHash: seed.PasswordHash }),
      permanent: true,
    })
    if (outcome.kind === 'refused') {
      run.problems.push(`user ${JSON.stringify(seed.Username)} of ${userPool.id}: ${explain(outcome)}`)
      continue
    }
    note(run, undefined, `user ${seed.Username} of ${userPool.id}`)
    const at = run.services.clock.now()
    for (const name of seed.Groups) await run.services.store.groups.addUser(userPool.id, name, outcome.user.sub, at)
  }
}

function explain(outcome: Exclude<Awaited<ReturnType<typeof createUser>>, { kind: 'done' }>): string {
  if (outcome.reason !== 'invalid') {
    return outcome.reason === 'usernameExists'
      ? 'one of its addresses belongs to another user'
      : 'the user name does not fit the sign-in options of the user pool'
  }
  const attributes = Object.entries(outcome.attributeProblems).map(([name, problem]) => `${name}: ${problem}`)
  const rules = outcome.brokenRules.map((rule) => `Password: ${rule}`)
  return [...attributes, ...rules].join(', ')
}
