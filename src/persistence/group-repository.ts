import { sql } from 'kysely'
import type { ExpressionBuilder, Kysely, RawBuilder, SqlBool } from 'kysely'
import { jsonArrayFrom } from 'kysely/helpers/postgres'
import type { GroupRepository } from '../domain/ports/store.ts'
import type { Group } from '../domain/users/user.ts'
import { jsonText } from './json-text.ts'
import { present } from './rows.ts'
import type { Schema } from './schema.ts'

const groupColumns = [
  'groups.user_pool_id as userPoolId',
  'groups.name',
  'groups.description',
  'groups.precedence',
  'groups.role_arn as roleArn',
] as const

/** Of a group that is left-joined to its membership: the row is there, the foreign key says so. */
const memberGroupColumns = [
  'group_members.user_pool_id as userPoolId',
  'group_members.group_name as name',
  'groups.description',
  'groups.precedence',
  'groups.role_arn as roleArn',
] as const

export const groupRepository = (db: Kysely<Schema>): GroupRepository => ({
  async save(group, at) {
    await db
      .insertInto('groups')
      .values(groupRow(group, at))
      .onConflict((conflict) =>
        conflict.columns(['user_pool_id', 'name']).doUpdateSet((eb) => ({
          description: eb.ref('excluded.description'),
          precedence: eb.ref('excluded.precedence'),
          role_arn: eb.ref('excluded.role_arn'),
          updated_at: at,
        })),
      )
      .execute()
  },
  async addIfAbsent(groups, at) {
    // One JSON text however many there are; in one order, as everybody takes them, so that nobody waits for each other.
    const { rows } = await sql<{ name: string }>`
      insert into groups (user_pool_id, name, description, precedence, role_arn, created_at, updated_at)
      select * from jsonb_to_recordset(${jsonText(groups.map((group) => groupRow(group, at)))}::jsonb) as given (
        user_pool_id text, name text, description text, precedence integer, role_arn text, created_at timestamptz,
        updated_at timestamptz) order by name collate "C"
      on conflict (user_pool_id, name) do nothing returning name`.execute(db)
    return rows.map(({ name }) => name)
  },
  async list(userPoolId) {
    const rows = await db
      .selectFrom('groups')
      .select(groupColumns)
      .where('user_pool_id', '=', userPoolId)
      .where(sql<SqlBool>`name <> ''`) // as its index says: see migrations/0005-groups
      .orderBy('name')
      .execute()
    return rows.map(present)
  },
  async addUser(userPoolId, groupNames, userSub, at) {
    if (groupNames.length === 0) return
    const member = { user_pool_id: userPoolId, user_sub: userSub, created_at: at }
    await db
      .insertInto('group_members')
      .values(groupNames.map((name) => ({ ...member, group_name: name })))
      .onConflict((conflict) => conflict.doNothing())
      .execute()
  },
  async ofUser(userPoolId, userSub) {
    const rows = await db
      .selectFrom('group_members')
      // Not an inner join: for that, new tables get a plan that reads all groups of the pool.
      .leftJoin('groups', (join) =>
        join
          .onRef('groups.user_pool_id', '=', 'group_members.user_pool_id')
          .onRef('groups.name', '=', 'group_members.group_name'),
      )
      .select(memberGroupColumns)
      .where('group_members.user_pool_id', '=', userPoolId)
      .where('group_members.user_sub', '=', userSub)
      .orderBy('groups.precedence', (order) => order.asc().nullsLast())
      .orderBy('group_members.group_name')
      .execute()
    return rows.map(present)
  },
})

/** The groups of the user that the query has joined as `users`, as JSON and in the order of `ofUser`. */
export function groupsOfJoinedUser(eb: ExpressionBuilder<Schema, 'users'>): RawBuilder<Group[]> {
  const groups = jsonArrayFrom(
    eb
      .selectFrom('group_members')
      .leftJoin('groups', (join) =>
        join
          .onRef('groups.user_pool_id', '=', 'group_members.user_pool_id')
          .onRef('groups.name', '=', 'group_members.group_name'),
      )
      .select(memberGroupColumns)
      .whereRef('group_members.user_pool_id', '=', 'users.user_pool_id')
      .whereRef('group_members.user_sub', '=', 'users.sub')
      .orderBy('groups.precedence', (order) => order.asc().nullsLast())
      .orderBy('group_members.group_name'),
  )
  // A description that is absent is absent in JSON too.
  return sql<Group[]>`json_strip_nulls(${groups})`
}

const groupRow = (group: Group, at: Date) => ({
  user_pool_id: group.userPoolId,
  name: group.name,
  description: group.description ?? null,
  precedence: group.precedence ?? null,
  role_arn: group.roleArn ?? null,
  created_at: at,
  updated_at: at,
})
