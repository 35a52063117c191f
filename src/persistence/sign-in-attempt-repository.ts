import type { Kysely } from 'kysely'
import type { SignInAttemptRepository } from '../domain/ports/sign-in-attempt-repository.ts'
import type { AttemptChange, SignInAttempt } from '../domain/sign-in/sign-in-attempt.ts'
import { presentOrNone } from './rows.ts'
import type { Schema } from './schema.ts'

export const signInAttemptRepository = (db: Kysely<Schema>): SignInAttemptRepository => ({
  async add(attempt) {
    await db.insertInto('sign_in_attempts').values(attemptRow(attempt)).execute()
  },
  async find(userPoolId, idHash, at) {
    const row = await db
      .selectFrom('sign_in_attempts')
      .select(['id_hash as idHash', 'user_pool_id as userPoolId', 'client_id as clientId', 'user_sub as userSub'])
      .select(['challenge', 'amr', 'started_at as startedAt', 'expires_at as expiresAt'])
      .select(['code_hash as codeHash', 'destination', 'code_sent_at as codeSentAt'])
      .select(['setting_up as settingUp', 'sealed_secret as sealedSecret'])
      .where('user_pool_id', '=', userPoolId)
      .where('id_hash', '=', idHash)
      .where('expires_at', '>', at)
      .executeTakeFirst()
    return presentOrNone(row)
  },
  async change({ userPoolId, idHash, from, change, at }) {
    const { numUpdatedRows } = await db
      .updateTable('sign_in_attempts')
      .set(changedColumns(change))
      .where('user_pool_id', '=', userPoolId)
      .where('id_hash', '=', idHash)
      .where('challenge', '=', from)
      .where('expires_at', '>', at)
      .executeTakeFirst()
    return numUpdatedRows > 0n
  },
  async spend(userPoolId, idHash, at) {
    const spent = await db
      .deleteFrom('sign_in_attempts')
      .where('user_pool_id', '=', userPoolId)
      .where('id_hash', '=', idHash)
      .where('expires_at', '>', at)
      .executeTakeFirst()
    return spent.numDeletedRows > 0n
  },
})

const attemptRow = (attempt: SignInAttempt) => ({
  user_pool_id: attempt.userPoolId,
  id_hash: attempt.idHash,
  client_id: attempt.clientId,
  user_sub: attempt.userSub,
  challenge: attempt.challenge,
  amr: attempt.amr,
  started_at: attempt.startedAt,
  expires_at: attempt.expiresAt,
  ...changedColumns(attempt),
})

const changedColumns = (change: AttemptChange) => ({
  ...(change.challenge !== undefined && { challenge: change.challenge }),
  ...(change.codeHash !== undefined && { code_hash: change.codeHash }),
  ...(change.destination !== undefined && { destination: change.destination }),
  ...(change.codeSentAt !== undefined && { code_sent_at: change.codeSentAt }),
  ...(change.settingUp !== undefined && { setting_up: change.settingUp }),
  ...(change.sealedSecret !== undefined && { sealed_secret: change.sealedSecret }),
})
