import { sql } from 'kysely'
import type { Kysely } from 'kysely'
import type { Device } from '../domain/devices/device.ts'
import type { DeviceRepository } from '../domain/ports/device-repository.ts'
import { present } from './rows.ts'
import type { Schema } from './schema.ts'

export const deviceRepository = (db: Kysely<Schema>): DeviceRepository => ({
  async remember(device, { replacing, maximum }) {
    const replaced = await db
      .deleteFrom('devices')
      .where('user_pool_id', '=', device.userPoolId)
      .where('user_sub', '=', device.userSub)
      .where('secret_hash', '=', sql<string>`any(${[...replacing]}::text[])`)
      .returning('secret_hash as secretHash')
      .execute()
    await insert(db, device, maximum)
    return replaced.map(({ secretHash }) => secretHash)
  },
  async use({ userPoolId, userSub, secretHashes, address, at }) {
    const { numUpdatedRows } = await db
      .updateTable('devices')
      .set({ last_used_at: at, ...(address === undefined ? {} : { address }) })
      .where('user_pool_id', '=', userPoolId)
      .where('user_sub', '=', userSub)
      .where('secret_hash', '=', sql<string>`any(${[...secretHashes]}::text[])`)
      .where('expires_at', '>', at)
      .executeTakeFirst()
    return numUpdatedRows > 0n
  },
  async ofUser(userPoolId, userSub, at) {
    const rows = await db
      .selectFrom('devices')
      .select(['user_pool_id as userPoolId', 'user_sub as userSub', 'device_key as deviceKey'])
      .select(['secret_hash as secretHash', 'user_agent as userAgent', 'address'])
      .select(['created_at as createdAt', 'last_used_at as lastUsedAt', 'expires_at as expiresAt'])
      .where('user_pool_id', '=', userPoolId)
      .where('user_sub', '=', userSub)
      .where('expires_at', '>', at)
      .orderBy('last_used_at', 'desc')
      .execute()
    return rows.map(present)
  },
  async forget({ userPoolId, userSub, deviceKey }) {
    const { numDeletedRows } = await db
      .deleteFrom('devices')
      .where('user_pool_id', '=', userPoolId)
      .where('user_sub', '=', userSub)
      .where('device_key', '=', deviceKey)
      .executeTakeFirst()
    return numDeletedRows > 0n
  },
  async forgetOfUser(userPoolId, userSub) {
    const { numDeletedRows } = await db
      .deleteFrom('devices')
      .where('user_pool_id', '=', userPoolId)
      .where('user_sub', '=', userSub)
      .executeTakeFirst()
    return Number(numDeletedRows)
  },
  async forgetAll(userPoolId) {
    await db.deleteFrom('devices').where('user_pool_id', '=', userPoolId).execute()
  },
})

/** Trimmed as it was before: the new one comes on top. */
async function insert(db: Kysely<Schema>, device: Device, maximum: number): Promise<void> {
  await sql`
    with added as (
      insert into devices (
        user_pool_id, user_sub, device_key, secret_hash, user_agent, address, created_at, last_used_at, expires_at
      ) values (
        ${device.userPoolId}, ${device.userSub}, ${device.deviceKey}, ${device.secretHash},
        ${device.userAgent ?? null}, ${device.address ?? null},
        ${device.createdAt}::timestamptz, ${device.lastUsedAt}::timestamptz, ${device.expiresAt}::timestamptz
      )
    )
    delete from devices where user_pool_id = ${device.userPoolId} and user_sub = ${device.userSub} and device_key in (
      select device_key from devices where user_pool_id = ${device.userPoolId} and user_sub = ${device.userSub}
      order by last_used_at desc offset ${maximum - 1}::int
    )`.execute(db)
}
