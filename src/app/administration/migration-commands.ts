import { z } from 'zod'
import { migrationState } from '../../persistence/migrate.ts'
import { defineCommand } from './administration.ts'

/** What has been applied to the database and what has not. */
export const showMigrations = defineCommand(z.strictObject({}), async ({ database }) => {
  const { applied, pending } = await migrationState(database)
  return { Applied: applied, Pending: pending }
})
