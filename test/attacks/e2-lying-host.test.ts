import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { TestServer } from '../support/server.ts'
import { authorizationRequest } from '../support/relying-party.ts'
import { callback } from '../support/visitor.ts'
import { startAttackedServer } from './support/attacked-pool.ts'
import { namesAttacker } from './support/hostile-headers.ts'
import { sendRequest } from './support/raw-socket.ts'
import type { RawAnswer } from './support/raw-socket.ts'
import { restrictedSyntax } from './support/restricted-syntax.ts'

/*
 * E2, the framework's own idea of the host: Koa CVE-2026-27959, where `ctx.hostname` of `evil.com:fake@legit` was evil.com,
 * and whatever was built from it went there. No such member is read here: the Host header only selects among configured
 * origins, by exact comparison. Guards src/app/tenants.ts and src/oidc/engine-internals.ts (`pinRequestOrigin`: the engine
 * does build addresses), and the lint rule that keeps the members out (eslint.config.js). That koa is a mended one:
 * f5-sql-literals. Mail and forwarding headers: e1-poisoned-links, f8-trusted-hosts.
 */

describe('a Host header that is read in two ways', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startAttackedServer()
  })
  afterAll(() => server.stop())

  const port = (): string => String(server.port)
  const get = (target: string, host: string): Promise<RawAnswer> => sendRequest(server.port, target, [`Host: ${host}`])
  const lies: Record<string, () => string> = {
    'the one of the advisory': () => `evil.example:fake@localhost:${port()}`,
    'a user before ours': () => `evil.example@localhost:${port()}`,
    'ours as a user': () => `localhost:${port()}@evil.example`,
    'ours as a user with a password': () => `localhost:${port()}:x@evil.example:${port()}`,
    'ours in front': () => `localhost:${port()}.evil.example`,
    'ours behind': () => `evil.example.localhost:${port()}`,
    'another port': () => 'localhost:1',
    'no port': () => 'localhost',
    'two ports': () => `localhost:${port()}:80`,
    'a path': () => `localhost:${port()}/evil.example`,
    'a query': () => `localhost:${port()}?evil.example`,
    'a fragment': () => `localhost:${port()}#evil.example`,
    'a backslash': () => `localhost:${port()}\\evil.example`,
    'a comma': () => `localhost:${port()},evil.example`,
    'a comma the other way round': () => `evil.example,localhost:${port()}`,
    'a percent escape': () => `%6cocalhost:${port()}`,
    'a trailing dot': () => `localhost.:${port()}`,
    'a number': () => `2130706433:${port()}`,
    brackets: () => `[localhost]:${port()}`,
    'a scheme': () => `http://localhost:${port()}`,
    'a tab inside': () => `localhost:${port()}\tevil.example`,
    'a letter that looks alike': () => `l\xf3calhost:${port()}`,
    'another of this machine': () => `127.0.0.1:${port()}`,
  }

  test.each(Object.keys(lies))('%s is none of ours, and nothing is built from it', async (name) => {
    const { url } = authorizationRequest('', { client_id: 'email', redirect_uri: callback })
    for (const target of [url, '/login', '/logout', '/demo', '/confirmUser?client_id=email', '/']) {
      const { status, headers, text } = await get(target, lies[name]!())
      // While developing a lost browser is led home; the address is the configured one, to the letter.
      expect([name, status]).toEqual([name, 307])
      expect(headers.get('location')).toBe(`${server.publicUrl}${target}`)
      expect(namesAttacker(text)).toBe(false)
      expect(headers.getSetCookie()).toEqual([])
    }
    const document = await get('/eu-west-1_email/.well-known/openid-configuration', lies[name]!())
    expect(document.status).toBe(404)
    expect(namesAttacker(document.text)).toBe(false)
  })

  test.each(['LOCALHOST', 'LocalHost'])('%s is ours in other letters, and answered with our own', async (host) => {
    const { url } = authorizationRequest('', { client_id: 'email', redirect_uri: callback })
    const { status, headers } = await get(url, `${host}:${port()}`)
    expect(status).toBe(303)
    expect(headers.get('location')).toMatch(/^\/login\?/)
    const document = await get('/eu-west-1_email/.well-known/openid-configuration', `${host}:${port()}`)
    expect(JSON.parse(document.text.slice(document.text.indexOf('{')).replace(/\}[^}]*$/, '}'))).toMatchObject({
      authorization_endpoint: `${server.publicUrl}/oauth2/authorize`,
      issuer: `${server.publicUrl}/eu-west-1_email`,
    })
  })
})

describe('the lint rule', () => {
  const complaintsOf = (text: string): Promise<string[]> => restrictedSyntax(text, 'src/hosted/resend.ts')
  const planted = (expression: string): string =>
    `import type { Context } from 'koa'\nexport const url = (ctx: Context): unknown => ${expression}\n`

  test.each([
    ...['hostname', 'host', 'origin', 'href', 'protocol', 'secure', 'URL', 'ip', 'ips', 'subdomains'].map(
      (member) => `ctx.${member}`,
    ),
    ...['ctx.request.hostname', 'ctx.request.ip', "ctx['host']"],
    ...["ctx.redirect('/x')", "ctx.back('/x')"],
  ])('refuses %s', async (expression) => {
    expect(await complaintsOf(planted(expression))).toHaveLength(1)
  })

  test('lets the rest be', async () => {
    expect(await complaintsOf(planted('[ctx.path, ctx.get("Origin"), ctx.req.headers]'))).toEqual([])
    const own = readFileSync(join(import.meta.dirname, '..', '..', 'src', 'hosted', 'resend.ts'), 'utf8')
    expect(await complaintsOf(own)).toEqual([])
  })
})
