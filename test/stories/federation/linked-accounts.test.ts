import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { auditTrailOf, inShort } from '../../support/audit-events.ts'
import { haveAccount } from '../../support/accounts.ts'
import { federationPoolId, startFederation } from '../../support/federation-pools.ts'
import type { Federation } from '../../support/federation-pools.ts'
import type { Person } from '../../support/identity-provider.ts'
import { movableClock } from '../../support/movable-clock.ts'
import { databaseKinds } from '../../support/server.ts'
import { settledMail } from '../../support/settled-mail.ts'
import type { VisitedPage } from '../../support/user-agent.ts'
import { goodPassword, whereItIs } from '../../support/visitor.ts'
import type { Visitor } from '../../support/visitor.ts'

/* Linked accounts on the account page: another way in, and one less. */

describe.each(databaseKinds)('on %s', (database) => {
  let there: Federation
  const clock = movableClock()
  beforeAll(async () => {
    there = await startFederation({ database, clock })
  })
  afterAll(() => there.stop())

  const page = () => `${there.base('both')}/account/identities`
  const userOf = async (username: string) => {
    const { users } = there.server.services.domain.store
    return (await users.findByIdentifier(federationPoolId('both'), username))!
  }
  let people = 0
  /** Somebody with an account of the pool's own, signed in. */
  async function member(): Promise<{ visitor: Visitor; username: string }> {
    const username = `member-${(people += 1)}@example.com`
    await haveAccount(there.server, { username, password: goodPassword, userPoolId: federationPoolId('both') })
    const visitor = await there.visitor('both')
    expect(whereItIs(await visitor.login.submit({ username, password: goodPassword }))).toBe('the app')
    return { visitor, username }
  }
  async function link(visitor: Pick<Visitor, 'visit'>, person: Person | undefined): Promise<VisitedPage> {
    there.idp.somebody(person)
    const list = await visitor.visit(page())
    const away = await list.follow('Link an account at')
    expect(away.url.origin).toBe(there.idp.issuer)
    return visitor.visit((await there.idp.signIn(away.url.href)).href)
  }

  test('somebody links an account: it signs in the same person from then on, and a mail says so', async () => {
    const { visitor, username } = await member()
    const home = await visitor.visit(`${there.base('both')}/account`)
    const empty = await home.follow('Linked accounts')
    expect(empty.text).toContain('You have linked none yet.')
    const linked = await link(visitor, { sub: 'linked', email: 'elsewhere@example.com', name: 'From elsewhere' })
    expect(linked.text).toContain('Linked. You can sign in with it from now on.')
    // Whoever sits here shows there who they are: another's account may be open in the browser.
    expect(there.idp.asked.get('prompt')).toBe('login')
    expect((await settledMail(there.server)).find(({ to }) => to === username)?.subject).toContain('account was linked')
    const again = await there.visitor('both')
    expect(whereItIs(await there.throughProvider(again, { sub: 'linked', email: 'elsewhere@example.com' }))).toBe(
      'the app',
    )
    const user = await userOf(username)
    expect(user).toMatchObject({
      status: 'CONFIRMED',
      // Its address is the owner's affair, whatever the provider says (threat rows A3, A4).
      attributes: { email: username, email_verified: 'true' },
      identities: [{ providerName: 'Acme', userId: 'linked', primary: false }],
    })
    const entries = await auditTrailOf(there.server.services.domain, federationPoolId('both'))
    expect(entries.filter(({ subject }) => subject === user.sub).map(inShort)).toContain('IdentityLink Pass')
  })

  test('and unlinks it: it signs in nobody of that name any more', async () => {
    const { visitor, username } = await member()
    await link(visitor, { sub: 'leaving' })
    const list = await visitor.visit(page())
    const gone = await list.submit({ unlink: JSON.stringify(['Acme', 'leaving']) }, 'Unlink')
    expect(gone.text).toContain('It can’t sign you in any more.')
    expect((await userOf(username)).identities).toBeUndefined()
    const mails = (await settledMail(there.server)).filter(({ to }) => to === username)
    expect(mails[0]?.subject).toContain('unlinked')
    // Whoever comes from there is somebody new.
    await there.throughProvider(await there.visitor('both'), { sub: 'leaving' })
    const { users } = there.server.services.domain.store
    expect(await users.findByIdentifier(federationPoolId('both'), 'acme_leaving')).toMatchObject({
      status: 'EXTERNAL_PROVIDER',
    })
  })

  test('an account that signs in somebody else is nobody’s to link; one’s own is said to be there', async () => {
    await there.throughProvider(await there.visitor('both'), { sub: 'taken' })
    const { visitor } = await member()
    expect((await link(visitor, { sub: 'taken' })).text).toContain('signs in somebody else')
    await link(visitor, { sub: 'mine' })
    expect((await link(visitor, { sub: 'mine' })).text).toContain('linked already')
  })

  test('nor more by two windows at once', async () => {
    const { visitor, username } = await member()
    for (const number of [1, 2, 3, 4]) await link(visitor, { sub: `windows-${people}-${number}` })
    const list = await visitor.visit(page())
    const backs: string[] = []
    for (const number of [5, 6]) {
      there.idp.somebody({ sub: `windows-${people}-${number}` })
      backs.push((await there.idp.signIn((await list.follow('Link an account at')).url.href)).href)
    }
    expect((await visitor.visit(backs[0]!)).text).toContain('Linked.')
    expect((await visitor.visit(backs[1]!)).text).toContain('You have as many as you can have')
    expect((await userOf(username)).identities).toHaveLength(5)
  })

  test('begun by one person and ended by the next in the same browser: it is linked to neither', async () => {
    const { visitor, username } = await member()
    there.idp.somebody({ sub: 'shared-browser' })
    const away = await (await visitor.visit(page())).follow('Link an account at')
    const back = (await there.idp.signIn(away.url.href)).href
    await visitor.visit(`${there.base('both')}/logout?client_id=both&logout_uri=https://app.example/`)
    const next = `next-${people}@example.com`
    await haveAccount(there.server, { username: next, password: goodPassword, userPoolId: federationPoolId('both') })
    const { login } = await there.visitor('both', { browser: visitor })
    expect(whereItIs(await login.submit({ username: next, password: goodPassword }))).toBe('the app')
    expect((await visitor.visit(back)).text).toContain('was done in another window')
    for (const name of [username, next]) expect((await userOf(name)).identities).toBeUndefined()
  })

  test('five are enough', async () => {
    const { visitor } = await member()
    for (const number of [1, 2, 3, 4, 5]) await link(visitor, { sub: `many-${people}-${number}` })
    expect((await visitor.visit(page())).text).not.toContain('Link an account at')
  })

  test('somebody who changes their mind at the provider has linked nothing', async () => {
    const { visitor, username } = await member()
    const back = await link(visitor, undefined)
    expect(back.text).toContain('You weren’t signed in at')
    expect((await userOf(username)).identities).toBeUndefined()
  })

  test('whoever came with it cannot lose the only way in, has no password here, and leaves to the provider what it says', async () => {
    const visitor = await there.visitor('both')
    await there.throughProvider(visitor, { sub: 'guest', email: 'guest@example.com', name: 'Guest' })
    const list = await visitor.visit(page())
    expect(list.text).toContain('You came with it')
    const kept = await list.submit({ unlink: JSON.stringify(['Acme', 'guest']) }, 'Unlink')
    expect(kept.text).toContain('your only way to sign in')
    expect((await userOf('acme_guest')).identities).toHaveLength(1)
    const home = await visitor.visit(`${there.base('both')}/account`)
    expect(home.text).not.toContain('Choose a new one')
    expect(home.text).not.toContain('guest@example.com Email')
    expect((await visitor.visit(`${there.base('both')}/account/password`)).status).toBe(404)
    expect((await visitor.visit(`${there.base('both')}/account/email`)).status).toBe(404)
    const details = await visitor.visit(`${there.base('both')}/account/profile`)
    expect(details.field('given_name')).toBe('')
    expect(details.field('name')).toBeUndefined()
    // With a second account it is not the only one.
    await link(visitor, { sub: 'guest-too' })
    const free = await (await visitor.visit(page())).submit({ unlink: JSON.stringify(['Acme', 'guest']) }, 'Unlink')
    expect(free.text).toContain('It can’t sign you in any more.')
    expect(whereItIs(await there.throughProvider(await there.visitor('both'), { sub: 'guest-too' }))).toBe('the app')
  })

  test('nobody with such an account gets a code for a password that they do not have', async () => {
    await there.throughProvider(await there.visitor('trusting'), {
      sub: 'forgetful',
      email: 'f@example.com',
      email_verified: true,
    })
    const visitor = await there.visitor('trusting')
    await (await visitor.login.follow('Forgot your password?')).submit({ username: 'Acme_forgetful' })
    expect((await settledMail(there.server)).map(({ to }) => to)).not.toContain('f@example.com')
  })

  test('what is stored of them, linked accounts included, is theirs to download', async () => {
    const { visitor } = await member()
    await link(visitor, { sub: 'exported' })
    const file = await (await visitor.visit(`${there.base('both')}/account/data`)).submit({})
    expect(JSON.parse(file.html)).toMatchObject({ Identities: [{ ProviderName: 'Acme', UserId: 'exported' }] })
  })

  test('“this wasn’t me” takes back what a stranger has linked, and leaves what was there before', async () => {
    const { visitor, username } = await member()
    await link(visitor, { sub: 'owners' })
    clock.pass(3600)
    const again = await there.visitor('both', { browser: visitor })
    if (whereItIs(again.login) !== 'the app') await again.login.submit({ username, password: goodPassword })
    const list = await visitor.visit(page())
    const here = list.heading === 'Sign in' ? await list.submit({ username, password: goodPassword }) : list
    expect(here.heading).toBe('Linked accounts')
    await link(visitor, { sub: 'strangers' })
    const [mail] = (await settledMail(there.server)).filter(({ to }) => to === username)
    const url = /http\S+notMe\S+/.exec(mail?.text ?? '')?.[0] ?? ''
    const taken = await (await there.browser().visit(url)).submit({})
    expect(taken.heading).toBe('Everybody is signed out')
    expect((await userOf(username)).identities?.map(({ userId }) => userId)).toEqual(['owners'])
  })

  test('a link that is followed twice, late, by somebody else, or from elsewhere, links nothing', async () => {
    const { visitor, username } = await member()
    const other = await member()
    there.idp.somebody({ sub: 'sought' })
    const away = await (await visitor.visit(page())).follow('Link an account at')
    const back = (await there.idp.signIn(away.url.href)).href
    // In the browser of somebody else, who would get the account of the one who sent it.
    expect((await other.visitor.visit(back)).heading).toBe('We can’t continue from here')
    expect((await userOf(other.username)).identities).toBeUndefined()
    expect((await visitor.visit(back)).text).toContain('Linked.')
    expect((await visitor.visit(back)).text).toContain('was done in another window')
    const late = await (await visitor.visit(page())).follow('Link an account at')
    const lateBack = (await there.idp.signIn(late.url.href)).href
    clock.pass(3601)
    expect((await visitor.visit(lateBack)).heading).toBe('We can’t continue from here')
    // Without the token of the page, an address of ours starts nothing.
    const fresh = await member()
    const forged = await fresh.visitor.visit(`${page()}?link=Acme&_csrf=x`)
    expect(forged.heading).toBe('Linked accounts')
    expect((await userOf(fresh.username)).identities).toBeUndefined()
    expect((await userOf(username)).identities).toHaveLength(1)
  })
})
