import type { SettingProblem } from '../../platform/config/check-settings.ts'
import { domainOrigin } from './domain-origin.ts'

/**
 * What stands twice in the configuration file and may stand once: told beside whatever else is wrong with it, so it
 * looks at the file as written.
 */
export function duplicates(file: unknown): readonly SettingProblem[] {
  const userPools = entries(file, 'UserPools', [])
  const domains = userPools.flatMap((userPool) => entries(userPool.value, 'Domains', userPool.path))
  return [
    ...repeated(userPools, 'Id'),
    ...repeated(userPools, 'PoolName'),
    ...repeated(userPools, 'Issuer'),
    ...secondOf(userPools.filter(({ value }) => member(value, 'Default') === true)).map((path) => ({
      path: [...path, 'Default'],
      message: 'another user pool is the default one already: leave Default: true on one of them',
    })),
    ...same(domains, ({ value }) => (typeof value === 'string' ? (domainOrigin(value) ?? value) : undefined)),
    ...userPools.flatMap(({ value, path }) => [
      ...repeated(entries(value, 'Clients', path), 'ClientId'),
      ...sameNamedClients(entries(value, 'Clients', path)),
      ...repeated(entries(value, 'ResourceServers', path), 'Identifier'),
      ...repeated(entries(value, 'Groups', path), 'GroupName'),
      ...repeated(entries(value, 'Users', path), 'Username'),
    ]),
  ]
}

interface Entry {
  value: unknown
  path: readonly PropertyKey[]
}

const member = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined

function entries(value: unknown, name: string, path: readonly PropertyKey[]): Entry[] {
  const list = member(value, name)
  if (!Array.isArray(list)) return []
  return list.map((item: unknown, index) => ({ value: item, path: [...path, name, index] }))
}

/** Entries whose member `name` has the value of an earlier one. */
const repeated = (list: readonly Entry[], name: string): SettingProblem[] =>
  same(list, ({ value }) => member(value, name)).map((problem) => ({ ...problem, path: [...problem.path, name] }))

function same(list: readonly Entry[], keyOf: (entry: Entry) => unknown): SettingProblem[] {
  const keys = list.map(keyOf)
  return list
    .filter((_, index) => keys[index] !== undefined && keys.indexOf(keys[index]) < index)
    .map(({ path }) => ({ path, message: 'stands twice: give each its own' }))
}

const secondOf = (list: readonly Entry[]): (readonly PropertyKey[])[] => list.slice(1).map(({ path }) => path)

/** A client without an id is known by its name. */
function sameNamedClients(clients: readonly Entry[]): SettingProblem[] {
  const nameOf = ({ value }: Entry): unknown => member(value, 'ClientName') ?? member(value, 'ClientId')
  return clients
    .filter((client) => member(client.value, 'ClientId') === undefined && nameOf(client) !== undefined)
    .filter((client) => clients.some((other) => other !== client && nameOf(other) === nameOf(client)))
    .map(({ path }) => ({
      path: [...path, 'ClientName'],
      message: 'is the name of another app client as well: give this one a ClientId or another name',
    }))
}
