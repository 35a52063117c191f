import type { Kysely } from 'kysely'
import type { TriggerInvocationRepository } from '../domain/ports/trigger-invocation-repository.ts'
import { present } from './rows.ts'
import type { Schema } from './schema.ts'

export const triggerInvocationRepository = (db: Kysely<Schema>): TriggerInvocationRepository => ({
  async add({ userPoolId, durationMs, problem, clientId, requestId, ...invocation }) {
    await db
      .insertInto('trigger_invocations')
      .values({
        ...invocation,
        user_pool_id: userPoolId,
        duration_ms: durationMs,
        problem: problem ?? null,
        client_id: clientId ?? null,
        request_id: requestId ?? null,
      })
      .execute()
  },
  async page({ userPoolId, limit, trigger }) {
    const rows = await db
      .selectFrom('trigger_invocations')
      .select(['id', 'user_pool_id as userPoolId', 'at', 'trigger', 'source', 'duration_ms as durationMs'])
      .select(['attempts', 'outcome', 'problem', 'client_id as clientId', 'request_id as requestId', 'event'])
      .where('user_pool_id', '=', userPoolId)
      .$if(trigger !== undefined, (query) => query.where('trigger', '=', trigger ?? ''))
      .orderBy('at', 'desc')
      .limit(limit)
      .execute()
    return rows.map(present)
  },
})
