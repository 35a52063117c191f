import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { addClientSecret } from '../../src/domain/app-clients/administer-client-secrets.ts'
import { openSecrets } from '../../src/domain/app-clients/client-secrets.ts'
import type { OpenServices } from '../../src/app/open-services.ts'
import { parseConfiguration } from '../../src/app/configuration-file.ts'
import { applyConfiguration } from '../../src/domain/user-pools/apply-configuration.ts'
import type { ApplyOptions } from '../../src/domain/user-pools/apply-configuration.ts'
import { chooseIssuer } from '../../src/domain/user-pools/issuer.ts'
import { findUser } from '../../src/domain/users/administer-user.ts'
import { openOnPostgres, stillClock } from './domain-fixture.ts'

const options: ApplyOptions = { publicUrl: 'https://id.example.com', region: 'eu-west-1', dryRun: false }

let opened: OpenServices
beforeAll(async () => {
  opened = await openOnPostgres(stillClock())
})
afterAll(() => opened.close())

const settings = () => opened.domain.store.settings
const pools = () => settings().userPools()
const pool = async (name: string) => (await pools()).find((record) => record.name === name)

/** Applies a file; the key pairs of its pools are made beforehand for tests that need none of their own. */
async function apply(file: string, change: Partial<ApplyOptions> = {}) {
  const { userPools } = parseConfiguration(file, 'latchkey.yaml', {})
  const { changes, warnings, problems } = await applyConfiguration(opened.domain, userPools, { ...options, ...change })
  return { changes: changes.map(({ action, what }) => `${action} ${what}`), warnings, problems }
}

beforeEach(async () => {
  for (const { id } of await pools()) await settings().deleteUserPool(id)
})

const everything = `
UserPools:
  - Id: eu-west-1_one
    PoolName: one
    Default: true
    Domains: [login.example.com, https://www.example.com]
    UsernameAttributes: [email]
    AutoVerifiedAttributes: [email]
    Policies: {PasswordPolicy: {MinimumLength: 10}}
    Clients:
      - ClientId: web
        ClientName: Web
        ClientSecret: correct-horse-battery
        CallbackURLs: [https://app.example.com/callback]
        AllowedOAuthScopes: [openid, api/read]
      - ClientName: Made up
        CallbackURLs: [https://app.example.com/callback]
    ResourceServers:
      - {Identifier: api, Name: API, Scopes: [{ScopeName: read, ScopeDescription: Reads}]}
    Groups:
      - {GroupName: admins, Precedence: 1, Description: Those who may}
    Users:
      - Username: ana@example.org
        Attributes: {email_verified: true}
        Password: Analytical-1843
        Groups: [admins]
`

describe('applying a configuration', () => {
  test('makes everything it names; a second time it changes nothing, not even a version', async () => {
    const first = await apply(everything)
    expect(first).toMatchObject({ warnings: [], problems: [] })
    expect(first.changes.map((change) => change.replace(/app client \w{26}/, 'app client …'))).toEqual([
      'create user pool eu-west-1_one (one)',
      'create resource server api of eu-west-1_one',
      'create app client web of eu-west-1_one',
      'create app client … of eu-west-1_one',
      'create group admins of eu-west-1_one',
      'create user ana@example.org of eu-west-1_one',
    ])
    const [versions, generation] = [await pools(), await settings().generation()]
    expect(versions[0]).toMatchObject({
      issuer: 'https://id.example.com/eu-west-1_one',
      domains: ['https://login.example.com', 'https://www.example.com'],
    })
    expect(await apply(everything)).toEqual({ changes: [], warnings: [], problems: [] })
    expect(await pools()).toEqual(versions)
    expect(await settings().generation()).toBe(generation)
    await opened.directory.refresh()
    const snapshot = await opened.directory.get('eu-west-1_one')
    expect(snapshot?.appClients.get('web')).toMatchObject({ secrets: ['correct-horse-battery'], name: 'Web' })
    const ana = await findUser(opened.domain, snapshot!.userPool, 'ANA@example.org')
    expect(ana).toMatchObject({ status: 'CONFIRMED', attributes: { email_verified: 'true' } })
    const groups = await opened.domain.store.groups.ofUser('eu-west-1_one', ana!.sub)
    expect(groups).toMatchObject([{ name: 'admins', precedence: 1 }])
  })

  test('a dry run tells the same and writes nothing', async () => {
    const dry = await apply(everything, { dryRun: true })
    expect(await pools()).toEqual([])
    expect(dry.changes).toHaveLength(6)
    await apply(everything)
    const [before, clients] = [await pools(), await settings().appClients('eu-west-1_one')]
    const changed = everything.replace('MinimumLength: 10', 'MinimumLength: 12').replace('horse', 'zebra')
    expect(await apply(changed, { dryRun: true })).toMatchObject({
      changes: ['update user pool eu-west-1_one (one)', 'update app client web of eu-west-1_one'],
    })
    expect(await pools()).toEqual(before)
    expect(await settings().appClients('eu-west-1_one')).toEqual(clients)
  })

  test('the file wins for what it names; the rest stays', async () => {
    await apply(everything)
    const changes = await apply(`
UserPools:
  - {Id: eu-west-1_one, PoolName: renamed, MfaConfiguration: "OFF", Clients: [{ClientId: web, CallbackURLs: [https://new.example.com/]}]}
`)
    expect(changes.changes).toEqual([
      'update user pool eu-west-1_one (renamed)',
      'update app client web of eu-west-1_one',
    ])
    const [record] = await pools()
    expect(record).toMatchObject({
      name: 'renamed',
      isDefault: true,
      domains: ['https://login.example.com', 'https://www.example.com'],
      settings: { MfaConfiguration: 'OFF', UsernameAttributes: ['email'] },
    })
    const web = (await settings().appClients('eu-west-1_one')).find(({ id }) => id === 'web')
    expect(web).toMatchObject({
      settings: { CallbackURLs: ['https://new.example.com/'], AllowedOAuthScopes: ['openid', 'api/read'] },
    })
    expect(openSecrets(opened.domain, web)).toEqual(['correct-horse-battery'])
    expect(await settings().appClients('eu-west-1_one')).toHaveLength(2)
  })

  test('ids are made up once and kept', async () => {
    const file = 'UserPools: [{PoolName: nameless, Clients: [{ClientName: Web, CallbackURLs: [https://a.example/]}]}]'
    await apply(file)
    const first = await pool('nameless')
    expect(first?.id).toMatch(/^eu-west-1_[A-Za-z\d]{9}$/)
    expect(first?.issuer).toBe(`https://id.example.com/${first?.id}`)
    const [client] = await settings().appClients(first!.id)
    expect(client?.id).toMatch(/^[a-z\d]{26}$/)
    expect(await apply(file)).toMatchObject({ changes: [] })
  })

  test('a secret is sealed again only when it has changed', async () => {
    await apply(everything)
    const sealed = async () =>
      (await settings().appClients('eu-west-1_one')).find(({ id }) => id === 'web')?.secrets?.[0]?.sealedSecret
    const before = await sealed()
    expect(before).not.toContain('horse')
    await apply(everything.replace('ClientName: Web', 'ClientName: Webb'))
    expect(await sealed()).toBe(before)
    await apply(everything.replace('horse', 'zebra'))
    expect(await sealed()).not.toBe(before)
  })

  test('the file’s secrets take the place of its former ones; one that was added by command stays', async () => {
    const web = async () => (await settings().appClients('eu-west-1_one')).find(({ id }) => id === 'web')
    const secrets = async () => [...openSecrets(opened.domain, await web())].sort()
    const named = (members: string) => apply(everything.replace('ClientSecret: correct-horse-battery', members))
    await apply(everything)
    const added = { userPoolId: 'eu-west-1_one', clientId: 'web', secret: 'added-by-command-1' }
    expect(await addClientSecret(opened.domain, added)).toMatchObject({ kind: 'done' })
    expect(await apply(everything)).toMatchObject({ changes: [] })
    await named('ClientSecret: correct-zebra-battery')
    expect(await secrets()).toEqual(['added-by-command-1', 'correct-zebra-battery'])
    // Named by the file it is the file's own, and takes the former one's place.
    await named('ClientSecret: added-by-command-1')
    expect(await secrets()).toEqual(['added-by-command-1'])
    expect(await named('ClientSecrets: [added-by-command-1, correct-horse-battery]')).toMatchObject({
      changes: ['update app client web of eu-west-1_one'],
    })
    expect(await secrets()).toEqual(['added-by-command-1', 'correct-horse-battery'])
    expect(await named('ClientSecrets: [correct-horse-battery, added-by-command-1]')).toMatchObject({ changes: [] })
    await named('RequirePkce: true')
    expect(await secrets()).toEqual(['added-by-command-1', 'correct-horse-battery'])
  })

  test('attribute lists that do not fit the user pool are refused, with what is stored of them', async () => {
    const file = everything
      .replace('    Clients:', '    Schema: [{Name: email, Required: true}]\n    Clients:')
      .replace('ClientName: Web', 'WriteAttributes: [name]')
    const lacks = 'app client web: WriteAttributes lacks "email", which the user pool requires: add it'
    expect(await apply(file)).toMatchObject({ changes: [], problems: [lacks] })
    expect(await pools()).toEqual([])
    const others = everything.replace('ClientName: Web', 'ReadAttributes: [email, "custom:tier"]')
    expect((await apply(others)).problems).toEqual([
      'app client web: ReadAttributes names "custom:tier", which user pool eu-west-1_one does not define',
    ])
    await apply(everything.replace('ClientName: Web', 'WriteAttributes: [name]'))
    const required = everything.replace('    Clients:', '    Schema: [{Name: email, Required: true}]\n    Clients:')
    expect((await apply(required)).problems).toEqual([lacks])
  })

  test('a third secret is refused before anything is written', async () => {
    await apply(everything)
    await addClientSecret(opened.domain, { userPoolId: 'eu-west-1_one', clientId: 'web', secret: 'added-by-command-1' })
    const file = everything
      .replace('ClientSecret: correct-horse-battery', 'ClientSecrets: [correct-horse-battery, correct-zebra-battery]')
      .replace('MinimumLength: 10', 'MinimumLength: 12')
    const before = [await pools(), await settings().appClients('eu-west-1_one')]
    expect(await apply(file)).toMatchObject({
      changes: [],
      problems: [
        'app client web: has a secret that was added by command beside the 2 of the file, and can have two in all; delete it with `latchkey client delete-secret`',
      ],
    })
    expect([await pools(), await settings().appClients('eu-west-1_one')]).toEqual(before)
  })

  test('users are made if absent, and never changed', async () => {
    await apply(everything)
    await opened.directory.refresh()
    const userPool = opened.directory.byId('eu-west-1_one')!
    const before = await findUser(opened.domain, userPool, 'ana@example.org')
    const changed = everything.replace('Analytical-1843', 'Different-1852').replace('email_verified: true', 'name: Ana')
    expect(await apply(changed.replace('Username: ana@', 'Username: ANA@'))).toMatchObject({ changes: [] })
    expect(await findUser(opened.domain, userPool, 'ana@example.org')).toEqual(before)
  })

  test('groups and resource servers follow the file', async () => {
    await apply(everything)
    const changed = everything.replace('Precedence: 1', 'Precedence: 0').replace('Reads', 'Reads all')
    expect((await apply(changed)).changes).toEqual([
      'update resource server api of eu-west-1_one',
      'update group admins of eu-west-1_one',
    ])
  })
})

describe('the default user pool', () => {
  const two = (first: string, second: string) =>
    `UserPools: [{Id: eu_a, PoolName: a ${first}}, {Id: eu_b, PoolName: b ${second}}]`
  const defaults = async () => (await pools()).filter(({ isDefault }) => isDefault).map(({ id }) => id)

  test('is the first one when nobody says otherwise, and stays', async () => {
    await apply(two('', ''))
    expect(await defaults()).toEqual(['eu_a'])
    expect(await apply('UserPools: [{Id: eu_b, PoolName: b}, {Id: eu_a, PoolName: a}]')).toMatchObject({ changes: [] })
    expect(await defaults()).toEqual(['eu_a'])
  })

  test.each([
    ['', ', Default: true'],
    [', Default: false', ''],
  ])('is not the first one if the file says so (%j, %j)', async (first, second) => {
    await apply(two(first, second))
    expect(await defaults()).toEqual(['eu_b'])
  })

  test('moves when the file names another, wherever that stands, and whatever else changes', async () => {
    for (const file of [two(', Default: true', ''), two('', ', Default: true'), two(', Default: true', '')]) {
      await apply(file.replaceAll('PoolName: ', 'PoolName: new'))
      await apply(file)
      expect(await defaults()).toEqual([file.indexOf('Default') < file.indexOf('eu_b') ? 'eu_a' : 'eu_b'])
      expect(await apply(file)).toMatchObject({ changes: [] })
    }
  })

  test('does not move back when a pool outside the file follows PUBLIC_URL', async () => {
    await apply('UserPools: [{Id: eu_a, PoolName: a}]', { publicUrl: 'http://localhost:3000' })
    await apply('UserPools: [{Id: eu_b, PoolName: b, Default: true}]')
    expect(await defaults()).toEqual(['eu_b'])
    expect((await pool('a'))?.issuer).toBe('https://id.example.com/eu_a')
  })
})

describe('the issuer (design decision 5)', () => {
  const file = 'UserPools: [{Id: eu_x, PoolName: x}]'
  const issuer = async () => {
    const record = await pool('x')
    return [record?.issuer, record?.issuerFollowsPublicUrl]
  }

  test('follows PUBLIC_URL on localhost until that is first something else, then it is fixed', async () => {
    await apply(file, { publicUrl: 'http://localhost:3000' })
    expect(await issuer()).toEqual(['http://localhost:3000/eu_x', true])
    await apply(file, { publicUrl: 'http://127.0.0.1:4000' })
    expect(await issuer()).toEqual(['http://127.0.0.1:4000/eu_x', true])
    expect(await apply(file)).toMatchObject({ warnings: [], changes: ['update user pool eu_x (x)'] })
    expect(await issuer()).toEqual(['https://id.example.com/eu_x', false])
    const { warnings, changes } = await apply(file, { publicUrl: 'https://other.example' })
    expect(changes).toEqual([])
    expect(await issuer()).toEqual(['https://id.example.com/eu_x', false])
    expect(warnings).toHaveLength(1)
    for (const part of [
      'https://id.example.com/eu_x',
      'https://other.example/eu_x',
      'latchkey pool set-issuer eu_x https://other.example/eu_x',
    ]) {
      expect(warnings[0]).toContain(part)
    }
    // Nor does it turn back to localhost.
    await apply(file, { publicUrl: 'http://localhost:3000' })
    expect(await issuer()).toEqual(['https://id.example.com/eu_x', false])
  })

  test('holds for a pool that no file names', async () => {
    await apply(file, { publicUrl: 'http://localhost:3000' })
    expect(await apply('')).toMatchObject({ changes: ['update user pool eu_x (issuer https://id.example.com/eu_x)'] })
    expect(await issuer()).toEqual(['https://id.example.com/eu_x', false])
    expect((await apply('', { publicUrl: 'https://other.example' })).warnings).toHaveLength(1)
  })

  test('may be given when the pool is made, and then stays without a warning, also when the file drops it', async () => {
    const own = 'UserPools: [{Id: eu_x, PoolName: x, Issuer: https://login.example.com}]'
    await apply(own, { publicUrl: 'http://localhost:3000' })
    expect(await issuer()).toEqual(['https://login.example.com', false])
    for (const other of [own, file]) {
      expect(await apply(other, { publicUrl: 'https://other.example' })).toEqual({
        changes: [],
        warnings: [],
        problems: [],
      })
    }
  })

  test('is not changed by the file later: both are named, and the command', async () => {
    await apply(file)
    const own = 'UserPools: [{Id: eu_x, PoolName: x, Issuer: https://login.example.com}]'
    const { warnings } = await apply(own)
    expect(warnings.join()).toMatch(
      /keeps its issuer https:\/\/id\.example\.com\/eu_x.*set-issuer eu_x https:\/\/login/s,
    )
    expect(await issuer()).toEqual(['https://id.example.com/eu_x', false])
  })

  test.each([
    ['http://localhost:3000', true],
    ['http://app.localhost', true],
    ['http://[::1]:3000', true],
    ['http://localhost.example.com', false],
    ['http://127.0.0.1.nip.io', false],
  ])('%s is localhost: %s', (publicUrl, follows) => {
    const chosen = chooseIssuer({ id: 'eu_x', existing: undefined, configured: undefined, publicUrl })
    expect(chosen.followsPublicUrl).toBe(follows)
  })
})

describe('what cannot be applied', () => {
  test('is told all at once, and nothing is written', async () => {
    await apply('UserPools: [{Id: eu_other, PoolName: other, Domains: [taken.example.com], Issuer: https://i.example}]')
    const before = await pools()
    const { problems } = await apply(`
UserPools:
  - Id: eu_new
    PoolName: new
    Domains: [taken.example.com]
    Issuer: https://i.example
    UsernameAttributes: [email]
    Clients:
      - {ClientId: web, CallbackURLs: [https://a.example/], AllowedOAuthScopes: [openid, api/read]}
    Users:
      - {Username: ana, Password: Analytical-1843}
      - {Username: bob@example.org, Password: weak, Attributes: {birthdate: never}, Groups: [nobodies]}
`)
    expect(problems).toEqual([
      'user pool eu_new: the domain https://taken.example.com belongs to user pool eu_other; remove it there first',
      'user pool eu_new: the issuer https://i.example belongs to user pool eu_other',
      'app client web: AllowedOAuthScopes names "api/read", which no resource server of eu_new defines',
      'user "ana" of eu_new: the user name does not fit the sign-in options of the user pool',
      'user "bob@example.org" of eu_new: there is no group nobodies',
      'user "bob@example.org" of eu_new: birthdate: date, Password: length, Password: uppercase, Password: number, Password: symbol',
    ])
    expect(await pools()).toEqual(before)
  })

  test('sign-in options stay as they are once a pool has users', async () => {
    const file = (member: string, user = '') => `UserPools: [{Id: eu_s, PoolName: s, ${member} ${user}}]`
    const user = ', Users: [{Username: ana@example.org, Password: Analytical-1843}]'
    await apply(file('UsernameAttributes: [phone_number]'))
    expect(await apply(file('UsernameAttributes: [email]', user))).toMatchObject({ problems: [] })
    expect((await apply(file('UsernameAttributes: []'))).problems).toEqual([
      'user pool eu_s: UsernameAttributes is fixed since the pool has users; leave it at ["email"]',
    ])
    expect((await apply(file('UsernameConfiguration: {CaseSensitive: true}'))).problems).toEqual([
      'user pool eu_s: UsernameConfiguration.CaseSensitive is fixed since the pool has users; leave it at false',
    ])
  })

  test('a domain moves between pools of the file', async () => {
    const file = (first: string, second: string) =>
      `UserPools: [{Id: eu_a, PoolName: a, Domains: [${first}]}, {Id: eu_b, PoolName: b, Domains: [${second}]}]`
    await apply(file('one.example.com', 'two.example.com'))
    expect(await apply(file('two.example.com', 'one.example.com'))).toMatchObject({ problems: [] })
    expect((await pools()).map(({ domains }) => domains)).toEqual([
      ['https://two.example.com'],
      ['https://one.example.com'],
    ])
  })

  test('settings that are kept but not acted on are warned of', async () => {
    const { warnings, problems } = await apply(`
UserPools:
  - Id: eu_w
    PoolName: w
    LambdaConfig: {PreSignUp: "arn:aws:lambda:eu-west-1:123456789012:function:gate"}
    UserPoolAddOns: {AdvancedSecurityMode: ENFORCED}
    Policies: {PasswordPolicy: {PasswordHistorySize: 5}}
`)
    expect(problems).toEqual([])
    expect(warnings.map((warning) => /eu_w: (\w+) is kept/.exec(warning)?.[1])).toEqual([
      'LambdaConfig',
      'PasswordHistorySize',
      'UserPoolAddOns',
    ])
  })
})
