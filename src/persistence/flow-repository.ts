import type { Kysely } from 'kysely'
import type { FlowRepository } from '../domain/ports/store.ts'
import { expiredFlowSeconds } from '../domain/sessions/flow.ts'
import { addSeconds } from '../platform/clock.ts'
import { jsonText } from './json-text.ts'
import { presentOrNone } from './rows.ts'
import type { Schema } from './schema.ts'

export const flowRepository = (db: Kysely<Schema>): FlowRepository => ({
  async add(flow) {
    await db
      .insertInto('flows')
      .values({
        user_pool_id: flow.userPoolId,
        id_hash: flow.idHash,
        client_id: flow.clientId,
        sealed_interaction_uid: flow.sealedInteractionUid,
        browser_hash: flow.browserHash,
        state: jsonText(flow.state),
        expires_at: flow.expiresAt,
        finished_at: flow.finishedAt ?? null,
      })
      .execute()
  },
  async find(userPoolId, idHash, at) {
    const row = await db
      .selectFrom('flows')
      .select(['id_hash as idHash', 'user_pool_id as userPoolId', 'client_id as clientId', 'state'])
      .select(['sealed_interaction_uid as sealedInteractionUid', 'browser_hash as browserHash'])
      .select(['expires_at as expiresAt', 'finished_at as finishedAt'])
      .where('user_pool_id', '=', userPoolId)
      .where('id_hash', '=', idHash)
      .where('expires_at', '>', addSeconds(at, -expiredFlowSeconds))
      .executeTakeFirst()
    return presentOrNone(row)
  },
  async saveState(userPoolId, idHash, state) {
    await db
      .updateTable('flows')
      .set({ state: jsonText(state) })
      .where('user_pool_id', '=', userPoolId)
      .where('id_hash', '=', idHash)
      .where('finished_at', 'is', null)
      .execute()
  },
  async finish(userPoolId, idHash, at) {
    const finished = await db
      .updateTable('flows')
      .set({ finished_at: at, state: jsonText({}) })
      .where('user_pool_id', '=', userPoolId)
      .where('id_hash', '=', idHash)
      .where('finished_at', 'is', null)
      .executeTakeFirst()
    return finished.numUpdatedRows > 0n
  },
})
