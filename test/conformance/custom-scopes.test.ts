import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runCommand } from '../../src/app/administration/run-command.ts'
import { parseConfiguration } from '../../src/app/configuration-file.ts'
import { applyConfiguration } from '../../src/domain/user-pools/apply-configuration.ts'
import { decode, requestTokens } from '../support/relying-party.ts'
import { databaseKinds } from '../support/server.ts'
import { callback, configurationOf, createBrowser, poolId, refresh, secret, startPool } from './pool.ts'
import type { Browser, ConformancePool } from './pool.ts'

/* Resource servers come and go while the server runs; their scopes reach tokens of both kinds. */

const signs = "!#$%&'()*+,-./:;<=>?@[]^_`{|}~"

describe.each(databaseKinds)('on %s', (database) => {
  let pool: ConformancePool
  let browser: Browser
  beforeAll(async () => {
    pool = await startPool({ database })
    browser = createBrowser(pool.base)
  })
  afterAll(() => pool.stop())

  /** As an operator would, at the command line. */
  async function command(name: string, input: object): Promise<unknown> {
    const administration = { ...pool.services, publicUrl: pool.publicUrl, region: 'eu-west-1' }
    const answer = await runCommand(administration, name, { userPool: poolId, ...input })
    // What every running server does once a second.
    await pool.services.directory.refresh()
    return answer.ok ? answer.value : answer
  }

  const create = (identifier: string, scope: string) =>
    command('resourceServer.create', {
      settings: { Identifier: identifier, Name: 'N', Scopes: [{ ScopeName: scope, ScopeDescription: 'D' }] },
    })

  const clientOf = (id: string, settings: object) =>
    command('client.create', { settings: { ClientId: id, ...settings }, secret: { value: secret } })

  const machineToken = (id: string, scope?: string) =>
    requestTokens(pool.base, {
      grant_type: 'client_credentials',
      client_id: id,
      client_secret: secret,
      ...(scope === undefined ? {} : { scope }),
    })

  test.each([
    ['https://api.example.com/v1', 'orders.read'],
    ['urn:example:api', 'a'],
    [signs, signs.replace('/', '')],
  ])('%s with %s, in both kinds of tokens', async (identifier, name) => {
    const scope = `${identifier}/${name}`
    const id = `of-${identifier.length}`
    expect(
      await clientOf(id, { AllowedOAuthFlows: ['client_credentials'], AllowedOAuthScopes: [scope] }),
    ).toMatchObject({
      reason: 'refused',
    })
    await create(identifier, name)
    await clientOf(id, { AllowedOAuthFlows: ['client_credentials'], AllowedOAuthScopes: [scope] })
    for (const asked of [scope, undefined]) {
      const { status, body } = await machineToken(id, asked)
      expect([status, body.scope, decode(body.access_token)['scope']]).toEqual([200, scope, scope])
    }
    expect((await machineToken(id, 'api/read')).body.error).toBe('invalid_grant')

    const web = { CallbackURLs: [callback], AllowedOAuthScopes: ['openid', scope], RequirePkce: false }
    await command('client.create', { settings: { ClientId: `web-${id}`, ...web } })
    const tokens = await browser.signIn({ client_id: `web-${id}`, scope: `openid ${scope}` })
    expect(decode(tokens.accessToken)['scope']).toBe(`openid ${scope}`)
    const discovery = await fetch(`${pool.issuer}/.well-known/openid-configuration`)
    expect(((await discovery.json()) as { scopes_supported: string[] }).scopes_supported).toContain(scope)
  })

  test('a deleted one takes its scopes along, from wherever they are listed', async () => {
    await create('brief', 'use')
    await clientOf('brief-machine', { AllowedOAuthFlows: ['client_credentials'], AllowedOAuthScopes: ['brief/use'] })
    const web = { ClientId: 'brief-web', CallbackURLs: [callback], AllowedOAuthScopes: ['openid', 'brief/use'] }
    await command('client.create', { settings: web })
    const tokens = await browser.signIn({ client_id: 'brief-web', scope: 'openid brief/use' })
    expect((await machineToken('brief-machine')).status).toBe(200)

    expect(await command('resourceServer.delete', { identifier: 'brief' })).toMatchObject({
      Identifier: 'brief',
      AppClients: ['brief-machine', 'brief-web'],
    })
    expect((await machineToken('brief-machine', 'brief/use')).body.error).toBe('invalid_scope')
    expect((await machineToken('brief-machine')).body.error).toBe('invalid_scope')
    const asked = await browser.authorize({ client_id: 'brief-web', scope: 'openid brief/use' })
    expect(asked.answer.searchParams.get('error')).toBe('invalid_scope')
    // Without a scope: what is left of all.
    expect((await browser.signIn({ client_id: 'brief-web', scope: undefined })).body.scope).toBe('openid')
    const form = { client_id: 'brief-web' }
    expect((await refresh(pool.base, tokens.refreshToken, form)).body.scope).toBe('openid')
    expect((await refresh(pool.base, tokens.refreshToken, { ...form, scope: 'brief/use' })).status).toBe(400)
    expect(await command('client.show', { clientId: 'brief-web' })).toMatchObject({
      AllowedOAuthScopes: ['openid', 'brief/use'],
    })
  })

  test('what the configuration file names comes back at the next start, and the others stay', async () => {
    await create('kept', 'x')
    await command('resourceServer.delete', { identifier: 'api' })
    const identifiers = async (): Promise<string[]> =>
      (await pool.domain.store.settings.resourceServers(poolId)).map(({ identifier }) => identifier)
    expect(await identifiers()).not.toContain('api')
    const { userPools } = parseConfiguration(configurationOf(), 'latchkey.yaml', {})
    const options = { publicUrl: pool.publicUrl, region: 'eu-west-1', dryRun: false }
    expect(await applyConfiguration(pool.domain, userPools, options)).toMatchObject({ problems: [] })
    expect(await identifiers()).toEqual(expect.arrayContaining(['api', 'kept']))
  })

  test('two of the same identifier, or more than there may be, are refused', async () => {
    expect(await create('api', 'other')).toMatchObject({
      reason: 'refused',
      message: expect.stringContaining('already'),
    })
    const { settings } = pool.domain.store
    for (let count = (await settings.resourceServers(poolId)).length; count < 300; count += 1) {
      const server = { userPoolId: poolId, identifier: `many-${count}`, name: 'N', scopes: [] }
      await settings.saveResourceServer(server, pool.clock.now())
    }
    expect(await create('one-more', 'x')).toMatchObject({ reason: 'refused', message: expect.stringContaining('300') })
  })
})
