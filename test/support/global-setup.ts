import type { TestProject } from 'vitest/node'
import { startPostgres } from './postgres.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Administrator's URL of the run's PostgreSQL server; make a database of your own with `createDatabase`. */
    postgresUrl: string
  }
}

/** Starts one PostgreSQL for the whole run; tests reach it by `inject('postgresUrl')`. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const postgres = await startPostgres({ durable: false })
  project.provide('postgresUrl', postgres.url)
  return () => postgres.stop()
}
