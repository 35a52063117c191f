import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { createDatabase } from '../support/postgres.ts'
import { startServer } from '../support/server.ts'
import type { TestServer } from '../support/server.ts'

describe('two servers on one PostgreSQL', () => {
  let database: Awaited<ReturnType<typeof createDatabase>>
  let servers: TestServer[]
  beforeAll(async () => {
    // Empty: not even migrated.
    database = await createDatabase(inject('postgresUrl'))
    const environment = { databaseUrl: database.url }
    servers = await Promise.all([startServer({ environment }), startServer({ environment })])
  })
  afterAll(async () => {
    await Promise.all(servers.map((server) => server.stop()))
    await database.drop()
  })

  test('that start at the same moment on an empty database both come up, with one user pool between them', async () => {
    const pools = await servers[0]?.services.domain.store.settings.userPools()
    expect(pools).toHaveLength(1)
    for (const server of servers) {
      const ready = await fetch(`${server.publicUrl}/readyz`)
      expect(ready.status).toBe(200)
      expect(server.services.directory.all().map(({ id }) => id)).toEqual(pools?.map(({ id }) => id))
    }
  })

  test('sign their tokens with the same keys', async () => {
    const kids = await Promise.all(
      servers.map(async ({ services }) => {
        const snapshot = await services.directory.get(services.directory.default()?.id ?? '')
        return [...(snapshot?.keys.byKid.keys() ?? [])].sort()
      }),
    )
    expect(kids[0]).toHaveLength(2)
    expect(kids[1]).toEqual(kids[0])
  })
})
