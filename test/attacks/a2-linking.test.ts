import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { guessesAt } from '../../src/domain/lock-out/guess.ts'
import { haveAccount, userPoolOf } from '../support/accounts.ts'
import { federationPoolId, startFederation } from '../support/federation-pools.ts'
import type { Federation } from '../support/federation-pools.ts'
import { databaseKinds } from '../support/server.ts'
import { goodPassword, whereItIs } from '../support/visitor.ts'

/*
 * Threat rows A1 to A5: somebody's address, said by a provider that verifies it or not, or registered here before they come, leads to
 * nobody's account; only whoever has shown both in one browser has linked them.
 */

describe.each(databaseKinds)('on %s', (database) => {
  let there: Federation
  beforeAll(async () => {
    there = await startFederation({ database })
  })
  afterAll(() => there.stop())

  const store = () => there.server.services.domain.store
  const byName = (name: string) => store().users.findByIdentifier(federationPoolId('trusting'), name)

  test.each([
    [1, true],
    [2, false],
    [3, 'true'],
    [4, undefined],
  ])(
    'A3, %i: a provider’s word for the victim’s address (verified: %s) is no way into the victim’s account',
    async (number, verified) => {
      const username = `victim-${number}@example.com`
      const userPoolId = federationPoolId('trusting')
      const victim = await haveAccount(there.server, { username, password: goodPassword, userPoolId })
      const mallory = { sub: `mallory-${number}`, email: username, email_verified: verified }
      const visitor = await there.visitor('trusting')
      expect(whereItIs(await there.throughProvider(visitor, mallory))).toBe('the app')
      const intruder = (await byName(`acme_mallory-${number}`))!
      expect(intruder.sub).not.toBe(victim.sub)
      // The address goes on leading to its owner, and to nobody else.
      expect((await byName(username))?.sub).toBe(victim.sub)
      expect((await store().users.findBySub(userPoolId, victim.sub))?.identities).toBeUndefined()
      expect(
        whereItIs(await (await there.visitor('trusting')).login.submit({ username, password: goodPassword })),
      ).toBe('the app')
    },
  )

  test('A2: an account that a stranger has made with one’s address before one comes gets nothing of it', async () => {
    const visitor = await there.visitor('trusting')
    const form = await visitor.login.follow('Create an account')
    await form.submit({ username: 'late@example.com', password: 'The-attackers-1852' })
    const attackers = (await byName('late@example.com'))!
    const late = { sub: 'late', email: 'late@example.com', email_verified: true }
    expect(whereItIs(await there.throughProvider(await there.visitor('trusting'), late))).toBe('the app')
    const victim = (await byName('acme_late'))!
    expect(victim.sub).not.toBe(attackers.sub)
    expect((await byName('late@example.com'))?.identities).toBeUndefined()
    expect(
      whereItIs(
        await (
          await there.visitor('trusting')
        ).login.submit({ username: 'late@example.com', password: 'The-attackers-1852' }),
      ),
    ).not.toBe('the app')
  })

  test('A4, A7: what a provider says cannot be edited here, and says nothing about an account of the pool’s own', async () => {
    const visitor = await there.visitor('trusting')
    await there.throughProvider(visitor, {
      sub: 'editor',
      email: 'editor@example.com',
      email_verified: true,
      name: 'Editor',
    })
    const profile = await visitor.visit(`${there.base('trusting')}/account/profile`)
    const sent = await profile.submit({
      given_name: 'E',
      name: 'The Victim',
      email: 'victim@example.com',
      email_verified: 'true',
    })
    expect(sent.status).toBeLessThan(400)
    expect((await byName('acme_editor'))?.attributes).toEqual({
      ...{ email: 'editor@example.com', email_verified: 'true', name: 'Editor', given_name: 'E' },
    })
  })

  test('A8: a subject in other letters is somebody else, and comes into nobody’s account', async () => {
    await there.throughProvider(await there.visitor('both'), { sub: 'CaseTwin', name: 'First' })
    const twin = await there.throughProvider(await there.visitor('both'), { sub: 'casetwin', name: 'Second' })
    expect(whereItIs(twin)).not.toBe('the app')
    expect(twin.text).toContain('can’t be used here')
    const { users } = store()
    expect(await users.findByIdentifier(federationPoolId('both'), 'acme_casetwin')).toMatchObject({
      username: 'Acme_CaseTwin',
      attributes: { name: 'First' },
    })
  })

  test('what an operator lifts of somebody from there is no lock on whoever has the address here', async () => {
    const address = 'locked@example.com'
    await there.throughProvider(await there.visitor('both'), { sub: 'lifted', email: address })
    const userPoolId = federationPoolId('both')
    const owner = await haveAccount(there.server, { username: address, password: goodPassword, userPoolId })
    const guest = (await store().users.findByIdentifier(userPoolId, 'acme_lifted'))!
    const [lifted, owners] = [guest, owner].map((user) =>
      guessesAt(there.server.services.domain, userPoolOf(there.server, userPoolId), user),
    )
    expect(owners!.length).toBeGreaterThan(3)
    expect(lifted!.filter((bucket) => owners!.includes(bucket))).toEqual([])
  })

  test('a provider that is moved to another server brings back nobody by its subjects', async () => {
    const visitor = await there.visitor('both')
    await there.throughProvider(visitor, { sub: 'stays' })
    const user = (await store().users.findByIdentifier(federationPoolId('both'), 'acme_stays'))!
    const moved = { providerName: 'Acme', issuer: 'https://elsewhere.example', userId: 'stays' }
    expect(await store().identities.find(federationPoolId('both'), moved)).toBeUndefined()
    expect(await store().identities.find(federationPoolId('both'), { ...moved, issuer: there.idp.issuer })).toBe(
      user.sub,
    )
  })

  test('twenty tabs that come for the first time at once make one account', async () => {
    const visitors = await Promise.all(Array.from({ length: 20 }, () => there.visitor('both')))
    const pages = await Promise.all(visitors.map((visitor) => there.throughProvider(visitor, { sub: 'many-tabs' })))
    expect(new Set(pages.map(whereItIs))).toEqual(new Set(['the app']))
    const named = (await store().users.page({ userPoolId: federationPoolId('both'), limit: 100 })).filter(
      ({ username }) => username === 'Acme_many-tabs',
    )
    expect(named).toHaveLength(1)
  })
})
