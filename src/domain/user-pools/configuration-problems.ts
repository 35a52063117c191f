import { isDeepStrictEqual } from 'node:util'
import { attributeProblems } from '../app-clients/attribute-access.ts'
import { configuredSecrets, maximumClientSecrets } from '../app-clients/client-secrets.ts'
import { customScopes, standardScopes } from '../app-clients/scopes.ts'
import type { DomainServices } from '../ports/services.ts'
import type { UserPoolRecord } from '../ports/store.ts'
import { checkNewUser, findUser } from '../users/administer-user.ts'
import type { CreateUserOutcome } from '../users/administer-user.ts'
import { newUserOf } from './plan-user-pools.ts'
import type { UserPoolPlan } from './plan-user-pools.ts'
import type { UserPool } from './user-pool.ts'
import { userPoolFrom } from './user-pool-settings.ts'

/** What keeps the configuration from being applied to what is stored, in words that name the place and the mend. */
export async function configurationProblems(
  services: DomainServices,
  stored: readonly UserPoolRecord[],
  plans: readonly UserPoolPlan[],
): Promise<readonly string[]> {
  const after = [
    ...stored.filter((record) => !plans.some(({ existing }) => existing?.id === record.id)),
    ...plans.map(({ record }) => record),
  ]
  const problems = plans.flatMap(({ record }) => takenProblems(record, after))
  for (const plan of plans) {
    problems.push(...(await scopeProblems(services, plan)))
    problems.push(...(await clientProblems(services, plan)))
    problems.push(...(await signInProblems(services, plan)))
    problems.push(...(await userProblems(services, plan)))
  }
  return problems
}

function takenProblems(record: UserPoolPlan['record'], after: readonly UserPoolPlan['record'][]): string[] {
  const others = after.filter((other) => other.id !== record.id)
  const domains = record.domains.flatMap((domain) => {
    const holder = others.find((other) => other.domains.includes(domain))
    return holder === undefined
      ? []
      : [`user pool ${record.id}: the domain ${domain} belongs to user pool ${holder.id}; remove it there first`]
  })
  const namesake = others.find((other) => other.issuer === record.issuer)
  return namesake === undefined
    ? domains
    : [...domains, `user pool ${record.id}: the issuer ${record.issuer} belongs to user pool ${namesake.id}`]
}

async function scopeProblems(services: DomainServices, { configuration, record }: UserPoolPlan): Promise<string[]> {
  const servers = await services.store.settings.resourceServers(record.id)
  const named = configuration.resourceServers.map((server) => ({ userPoolId: record.id, ...server }))
  const others = servers.filter((server) => !named.some(({ identifier }) => identifier === server.identifier))
  const known = new Set<string>([...standardScopes, ...customScopes([...others, ...named])])
  return configuration.clients.flatMap((client) => {
    const scopes = (client.settings['AllowedOAuthScopes'] ?? []) as readonly string[]
    return scopes
      .filter((scope) => !known.has(scope))
      .map(
        (scope) =>
          `app client ${client.id ?? client.name}: AllowedOAuthScopes names ${JSON.stringify(scope)}, which no resource server of ${record.id} defines`,
      )
  })
}

/** Of app clients, against what is stored of them. */
async function clientProblems(services: DomainServices, { configuration, record }: UserPoolPlan): Promise<string[]> {
  const stored = configuration.clients.length === 0 ? [] : await services.store.settings.appClients(record.id)
  const userPool = userPoolFrom({ ...record, version: 0 })
  return configuration.clients.flatMap((client) => {
    const place = `app client ${client.id ?? client.name}`
    const existing = stored.find(({ id, name }) => (client.id === undefined ? name === client.name : id === client.id))
    const settings = { ...existing?.settings, ...client.settings }
    const problems = attributeProblems(userPool, settings).map((problem) => `${place}: ${problem}`)
    const after = configuredSecrets(services, existing, client.secrets)
    if (after.length <= maximumClientSecrets) return problems
    return [
      ...problems,
      `${place}: has a secret that was added by command beside the ${client.secrets?.length} of the file, and can have two in all; delete it with \`latchkey client delete-secret\``,
    ]
  })
}

/** By these the names of all users are stored: a change would lock them out. */
const signInOptions = {
  UsernameAttributes: (userPool: UserPool) => userPool.usernameAttributes,
  AliasAttributes: (userPool: UserPool) => userPool.aliasAttributes,
  'UsernameConfiguration.CaseSensitive': (userPool: UserPool) => userPool.caseSensitiveUsernames,
}

async function signInProblems({ store }: DomainServices, { existing, record }: UserPoolPlan): Promise<string[]> {
  if (existing === undefined) return []
  const before = userPoolFrom(existing)
  const after = userPoolFrom({ ...record, version: 0 })
  const changed = Object.entries(signInOptions).filter(
    ([, option]) => !isDeepStrictEqual(option(before), option(after)),
  )
  if (changed.length === 0) return []
  const users = await store.users.page({ userPoolId: record.id, limit: 1 })
  if (users.length === 0) return []
  return changed.map(
    ([name, option]) =>
      `user pool ${record.id}: ${name} is fixed since the pool has users; leave it at ${JSON.stringify(option(before))}`,
  )
}

async function userProblems(services: DomainServices, { configuration, record }: UserPoolPlan): Promise<string[]> {
  if (configuration.users.length === 0) return []
  const userPool = userPoolFrom({ ...record, version: 0 })
  const stored = await services.store.groups.list(record.id)
  const groups = new Set([...stored.map(({ name }) => name), ...configuration.groups.map((group) => group.GroupName)])
  const problems: string[] = []
  for (const seed of configuration.users) {
    const unknown = seed.Groups.filter((name) => !groups.has(name))
    problems.push(
      ...unknown.map((name) => `user ${JSON.stringify(seed.Username)} of ${record.id}: there is no group ${name}`),
    )
    const checked = checkNewUser(newUserOf(userPool, seed))
    if (checked.kind === 'fit' || (await findUser(services, userPool, seed.Username)) !== undefined) continue
    problems.push(explainRefusal(userPool, seed.Username, checked))
  }
  return problems
}

/** Why a user of the file cannot be made. */
export function explainRefusal(
  userPool: UserPool,
  username: string,
  outcome: Extract<CreateUserOutcome, { kind: 'refused' }>,
): string {
  const place = `user ${JSON.stringify(username)} of ${userPool.id}`
  switch (outcome.reason) {
    case 'usernameExists':
      return `${place}: one of its addresses belongs to another user`
    case 'invalidUsername':
      return `${place}: the user name does not fit the sign-in options of the user pool`
    case 'invalid': {
      const attributes = Object.entries(outcome.attributeProblems).map(([name, problem]) => `${name}: ${problem}`)
      const rules = outcome.brokenRules.map((rule) => `Password: ${rule}`)
      return `${place}: ${[...attributes, ...rules].join(', ')}`
    }
  }
}
