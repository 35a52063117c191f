import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { exportPage } from '../../../src/domain/user-import/export-users.ts'
import { importBatch } from '../../../src/domain/user-import/import-users.ts'
import { haveAccount, userPoolOf } from '../../support/accounts.ts'
import { federationPoolId, startFederation } from '../../support/federation-pools.ts'
import type { Federation } from '../../support/federation-pools.ts'
import { databaseKinds } from '../../support/server.ts'
import { goodPassword, whereItIs } from '../../support/visitor.ts'

/* Whoever signs in at a provider comes along when a pool moves, and is the same person at the other end. */

describe.each(databaseKinds)('on %s', (database) => {
  let there: Federation
  beforeAll(async () => {
    there = await startFederation({ database })
  })
  afterAll(() => there.stop())

  const domain = () => there.server.services.domain
  const pool = () => userPoolOf(there.server, federationPoolId('both'))

  test('exported, deleted, imported: the provider leads to them again, and their address to nobody new', async () => {
    const guest = { sub: 'guest', email: 'same@example.com', name: 'Guest' }
    await there.throughProvider(await there.visitor('both'), guest)
    const username = 'same@example.com'
    const member = await haveAccount(there.server, { username, password: goodPassword, userPoolId: pool().id })
    const visitor = await there.visitor('both')
    await visitor.login.submit({ username, password: goodPassword })
    there.idp.somebody({ sub: 'linked' })
    const away = await (await visitor.visit(`${there.base('both')}/account/identities`)).follow('Link an account at')
    await visitor.visit((await there.idp.signIn(away.url.href)).href)

    const { users: rows } = await exportPage(domain(), pool(), { limit: 100 })
    const { users } = domain().store
    const before = await users.page({ userPoolId: pool().id, limit: 100 })
    for (const { sub } of before) await users.delete(pool().id, sub)
    const numbered = rows.map((user, index) => ({ row: index + 1, user: JSON.parse(JSON.stringify(user)) as unknown }))
    await domain().store.userImports.start(pool().id, 'file', new Date())
    const outcome = await importBatch(domain(), pool(), numbered, { fileHash: 'file', from: 0 })
    expect(outcome.refused).toEqual([])
    expect(outcome.imported).toHaveLength(2)

    const kept = (all: typeof before) => all.map(({ updatedAt: _at, ...user }) => user)
    expect(kept(await users.page({ userPoolId: pool().id, limit: 100 }))).toEqual(kept(before))
    expect((await users.findByIdentifier(pool().id, username))?.sub).toBe(member.sub)
    for (const sub of ['guest', 'linked']) {
      const again = await there.visitor('both')
      const page = await there.throughProvider(again, { ...guest, sub })
      expect(whereItIs(page)).toBe('the app')
      const { access_token: token = '' } = (await again.tokensFrom(page)).body
      const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { sub: string }
      expect(before.map((user) => user.sub)).toContain(claims.sub)
    }
    expect(await users.page({ userPoolId: pool().id, limit: 100 })).toHaveLength(2)

    // A second time their accounts there are somebody's already.
    const others = rows.map(({ Sub: _sub, Username: _name, ...row }, index) => ({
      row: index + 1,
      user: {
        ...row,
        Username: `other-${index}`,
        Attributes: { email: `other-${index}@example.com`, email_verified: 'true' },
      },
    }))
    await domain().store.userImports.start(pool().id, 'others', new Date())
    const second = await importBatch(domain(), pool(), others, { fileHash: 'others', from: 0 })
    expect(second.imported).toEqual([])
    expect(await users.page({ userPoolId: pool().id, limit: 100 })).toHaveLength(2)
  })

  test('a row of a provider’s without an account there is refused', async () => {
    await domain().store.userImports.start(pool().id, 'wrong', new Date())
    const rows = [{ row: 1, user: { Username: 'Acme_x', UserStatus: 'EXTERNAL_PROVIDER' } }]
    const outcome = await importBatch(domain(), pool(), rows, { fileHash: 'wrong', from: 0 })
    expect(outcome.refused).toEqual([
      { row: 1, username: 'Acme_x', reason: 'UserStatus: EXTERNAL_PROVIDER takes Identities' },
    ])
  })
})
