import { isDeepStrictEqual } from 'node:util'
import type { PreviewedWrite } from './preview-store.ts'

/** One thing that a configuration would make or change. */
export interface ConfigurationDifference {
  Action: 'create' | 'update'
  /** `user pool example`, `app client web of user pool example` */
  What: string
  Members: readonly { Name: string; From?: unknown; To?: unknown }[]
}

/** Members that are secrets, or sealed ones: that they change is told, never what they are. */
const confidential = new Set(['secrets', 'passwordHash', 'SealedSecrets', 'SealedSecretAccessKey'])

const hidden = '(not shown)'

/** Names of stored members as the configuration file has them. */
const names: Readonly<Record<string, string>> = {
  isDefault: 'Default',
  issuer: 'Issuer',
  triggers: 'Triggers',
  eventWebhooks: 'EventWebhooks',
  domains: 'Domains',
  secrets: 'ClientSecret',
  description: 'Description',
  precedence: 'Precedence',
  roleArn: 'RoleArn',
  scopes: 'Scopes',
  status: 'UserStatus',
  attributes: 'Attributes',
}

const nameOf: Readonly<Partial<Record<PreviewedWrite['kind'], string>>> = {
  'user pool': 'PoolName',
  'app client': 'ClientName',
}

/** What a write is known by, and what follows from other members. */
const left = new Set(['id', 'userPoolId', 'identifier', 'version', 'issuerFollowsPublicUrl'])

/** Not worth a line of their own: they come with a pool or a user. */
const silent = new Set<PreviewedWrite['kind']>(['signing key', 'group member'])

/**
 * @param poolNames by id
 * @param madeUp ids that would be made up anew when the configuration is really applied
 */
export function differenceOf(
  writes: readonly PreviewedWrite[],
  poolNames: ReadonlyMap<string, string>,
  madeUp: ReadonlySet<string>,
): ConfigurationDifference[] {
  const poolName = (id: string): string => `user pool ${poolNames.get(id) ?? id}`
  return writes
    .filter(({ kind }) => !silent.has(kind))
    .map((write) => ({
      Action: write.before === undefined ? 'create' : 'update',
      What:
        write.kind === 'user pool' ? poolName(write.id) : `${label(write, madeUp)} of ${poolName(write.userPoolId)}`,
      Members: membersOf(write).map((member) => withoutMadeUp(member, madeUp)),
    }))
}

function label({ kind, id, after }: PreviewedWrite, madeUp: ReadonlySet<string>): string {
  return `${kind} ${madeUp.has(id) && 'name' in after ? String(after.name) : id}`
}

function membersOf(write: PreviewedWrite): Member[] {
  const members = changedMembers('', write.before ?? {}, write.after)
  return members
    .filter(({ From, To }) => From !== undefined || !Array.isArray(To) || To.length > 0)
    .map((member) => (member.Name === 'name' ? { ...member, Name: nameOf[write.kind] ?? 'Name' } : member))
}

type Member = ConfigurationDifference['Members'][number]

/** Objects are compared member by member, all else as a whole. */
function changedMembers(path: string, before: object, after: object): Member[] {
  const from = before as Record<string, unknown>
  const to = after as Record<string, unknown>
  return [...new Set([...Object.keys(from), ...Object.keys(to)])].flatMap((name): Member[] => {
    const [old, next] = [from[name], to[name]]
    if ((path === '' && left.has(name)) || isDeepStrictEqual(old, next)) return []
    const inner = path === '' && name === 'settings' ? '' : `${path}${path === '' ? (names[name] ?? name) : name}.`
    if (isPlain(next) && (isPlain(old) || old === undefined)) return changedMembers(inner, old ?? {}, next)
    const shown = (value: unknown): unknown => (confidential.has(name) ? hidden : value)
    return [
      {
        Name: inner.slice(0, -1),
        ...(old === undefined ? {} : { From: shown(old) }),
        ...(next === undefined ? {} : { To: shown(next) }),
      },
    ]
  })
}

const isPlain = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The issuer of a pool without an id ends in one that nobody will see again. */
function withoutMadeUp(member: Member, madeUp: ReadonlySet<string>): Member {
  const { To: to } = member
  if (typeof to !== 'string') return member
  return { ...member, To: [...madeUp].reduce((text, id) => text.replaceAll(id, '<new id>'), to) }
}
