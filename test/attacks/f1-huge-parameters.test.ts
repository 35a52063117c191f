import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { haveAccount } from '../support/accounts.ts'
import { databaseKinds, startServer } from '../support/server.ts'
import type { TestServer } from '../support/server.ts'
import { basic } from '../support/relying-party.ts'
import type { UserAgent } from '../support/user-agent.ts'
import { callback, goodPassword, whereItIs } from '../support/visitor.ts'
import { callerAt, machineSecret, redeem, signIn } from './support/attacked-pool.ts'
import { exchange, sendRequest } from './support/raw-socket.ts'
import { stepPools, steps } from './support/steps.ts'
import type { Step } from './support/steps.ts'

/*
 * F1, parameters that are too long, too many, too deep, or hold what the database cannot: Keycloak CVE-2026-4634 (a long
 * `scope` kept a thread busy), CVE-2026-9803 (a malformed Bearer was a 500), Logto's zero bytes. Every field of every form,
 * every parameter of every endpoint, every header with a grammar and every cookie is sent huge and broken, on both
 * databases: never a fault of ours, and whoever comes next is served. Guards src/platform/http/read-form.ts,
 * src/oidc/authorization-request.ts, src/oidc/client-authentication.ts and src/oidc/userinfo.ts. Each parameter's own
 * grammar: test/conformance/authorize-parameters, endpoint-errors and page-parameters; broken HTTP: f1-broken-requests.
 */

const formType = { 'content-type': 'application/x-www-form-urlencoded' }

/** Values that are huge or that some part behind the door cannot take. */
const monsters: Record<string, string> = {
  'forty thousand letters': 'x'.repeat(40_000),
  'ten thousand words': 'a '.repeat(10_000),
  'one scope, ten thousand times': 'openid '.repeat(6_000),
  'letters of four bytes': '\u{1f600}'.repeat(3_000),
  'a zero byte': 'a\0b',
  'a lone surrogate': '\ud800',
  'bytes that are no text': '\xff\xfe\x00',
  'brackets in brackets': '['.repeat(20_000),
  'objects in objects': '{"a":'.repeat(5_000),
  'a number beyond numbers': '9'.repeat(400),
  'a token of huge parts': `${'e'.repeat(12_000)}.${'e'.repeat(12_000)}.${'e'.repeat(12_000)}`,
  'an encrypted token that unpacks': 'eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4R0NNIiwiemlwIjoiREVGIn0..AAAA.AAAA.AAAA',
  'a token by password, ten million times':
    'eyJhbGciOiJQQkVTMi1IUzI1NitBMTI4S1ciLCJwMmMiOjEwMDAwMDAwLCJwMnMiOiJBQUFBQUFBQUFBQSIsImVuYyI6IkExMjhHQ00ifQ.AAAA.AAAA.AAAA.AAAA',
  'every letter there is': String.fromCharCode(...Array.from({ length: 256 }, (_, index) => index)),
  'a prototype': '__proto__',
}

describe.each(databaseKinds)('on %s', (database) => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer({ configuration: stepPools(), database })
  })
  afterAll(() => server.stop())

  const isServed = async (): Promise<void> => expect((await fetch(`${server.publicUrl}/readyz`)).status).toBe(200)
  const noFault = (status: number, text: string, what: string): void => {
    expect(status, what).toBeGreaterThanOrEqual(200)
    expect(status, what).toBeLessThan(500)
    expect(text, what).not.toMatch(/on our side|Back in a moment|server_error|invalid byte|stack|Error:/)
  }

  describe('a form', () => {
    const send = (agent: UserAgent, action: string, body: string) =>
      agent.visit(action, { method: 'POST', body, headers: formType })
    // One account's tries are few: the fields that count none take them all.
    const named = ['signUp', 'forgotPassword', 'consent', 'confirmLink', 'selectAccount'] as const

    test.each(named)('%s takes monsters in every field, and its owner’s answer after that', async (name) => {
      const step: Step = await steps[name]!(server)
      const fields = [...new Set([...Object.keys(step.right), ...Object.keys(step.hidden), 'lang', 'rememberMe', 'x'])]
      for (const field of fields) {
        for (const [what, value] of Object.entries(monsters)) {
          // Where a field of theirs is what the form is about, a good value would be a good form.
          const others = { ...step.hidden, ...step.right, ...(name === 'signUp' ? { password: 'short' } : {}) }
          const guarded = ['lang', 'rememberMe', 'authenticator', 'x'].includes(field)
            ? { ...others, _csrf: 'x' }
            : others
          const body = new URLSearchParams({ ...guarded, [field]: value }).toString()
          const { status, text } = await send(step.agent, step.action, body)
          noFault(status, text, `${name} ${field} ${what}`)
        }
      }
      const done = await send(
        step.agent,
        step.action,
        new URLSearchParams({ ...step.hidden, ...step.right }).toString(),
      )
      expect(whereItIs(done)).toBe(step.done)
    })

    test('with too many fields, or fields too deep, is refused and not looked at', async () => {
      const { agent, page } = await callerAt(server.publicUrl)
      const hidden = new URLSearchParams({
        flow: page.field('flow') ?? '',
        _csrf: page.field('_csrf') ?? '',
      }).toString()
      const many = (count: number, name: (index: number) => string): string =>
        Array.from({ length: count }, (_, index) => `${name(index)}=`).join('&')
      for (const [body, status] of [
        [`${hidden}&${many(98, (index) => `f${index}`)}`, 200],
        [`${hidden}&${many(99, (index) => `f${index}`)}`, 400],
        [`${hidden}&${many(15_000, () => 'a')}`, 400],
        [`${hidden}&${'&'.repeat(60_000)}`, 200],
        [`${hidden}&a${'[b]'.repeat(15_000)}=c`, 200],
        [`${hidden}&${'a.'.repeat(20_000)}=c`, 200],
        [`${hidden}&username=${'x'.repeat(64 * 1024)}`, 413],
      ] as const) {
        const answer = await send(agent, page.url.href, body)
        expect([body.slice(-20), answer.status]).toEqual([body.slice(-20), status])
      }
    })

    test('of a megabyte is refused before it has been read, also in chunks', async () => {
      const host = `Host: localhost:${server.port}`
      const head = ['POST /login HTTP/1.1', host, 'Content-Type: application/x-www-form-urlencoded']
      const told = await exchange(
        server.port,
        `${[...head, 'Connection: close', `Content-Length: ${1024 * 1024}`].join('\r\n')}\r\n\r\n${'x'.repeat(1024 * 1024)}`,
      )
      expect(told.status).toBe(413)
      const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`
      const untold = await exchange(
        server.port,
        `${[...head, 'Connection: close', 'Transfer-Encoding: chunked'].join('\r\n')}\r\n\r\n${chunk.repeat(16)}0\r\n\r\n`,
      )
      expect(untold.status).toBe(413)
    })
  })

  describe('an endpoint', () => {
    const good: Record<string, Record<string, string>> = {
      '/oauth2/token': {
        grant_type: 'authorization_code',
        client_id: 'email',
        client_secret: 'x',
        code: 'x',
        redirect_uri: callback,
        code_verifier: 'v'.repeat(43),
        refresh_token: 'x',
        scope: 'openid',
        aws_client_metadata: '{}',
        username: 'x',
        client_assertion: 'x.y.z',
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      },
      '/oauth2/revoke': { client_id: 'email', client_secret: 'x', token: 'x', token_type_hint: 'refresh_token' },
      '/oauth2/authorize': {
        client_id: 'email',
        redirect_uri: callback,
        response_type: 'code',
        scope: 'openid',
        state: 'x',
        nonce: 'x',
        prompt: 'none',
        max_age: '1',
        login_hint: 'x',
        id_token_hint: 'x',
        ui_locales: 'en',
        acr_values: 'x',
        claims: '{}',
        request: 'x',
        request_uri: 'x',
        resource: 'https://api.example',
        response_mode: 'query',
        identity_provider: 'COGNITO',
        code_challenge: 'x'.repeat(43),
        code_challenge_method: 'S256',
      },
      '/logout': {
        client_id: 'email',
        logout_uri: 'https://app.example/',
        id_token_hint: 'x',
        state: 'x',
        global_sign_out: 'true',
      },
    }
    const asked = Object.entries(good).flatMap(([path, fields]) =>
      Object.keys(fields).map((name) => [path, name] as const),
    )

    test.each(asked)('%s takes monsters as %s', async (path, name) => {
      for (const [what, value] of Object.entries(monsters)) {
        const fields = new URLSearchParams({ ...good[path], [name]: value }).toString()
        const posted = await fetch(`${server.publicUrl}${path}`, {
          method: 'POST',
          body: fields,
          headers: formType,
          redirect: 'manual',
        })
        noFault(posted.status, await posted.text(), `POST ${path} ${name} ${what}`)
        if (fields.length > 14_000 || path === '/oauth2/token' || path === '/oauth2/revoke') continue
        const got = await fetch(`${server.publicUrl}${path}?${fields}`, { redirect: 'manual' })
        noFault(got.status, await got.text(), `GET ${path} ${name} ${what}`)
      }
    })

    test('takes thousands of parameters, repeated or each of its own', async () => {
      for (const path of Object.keys(good)) {
        for (const many of [
          'scope=openid&'.repeat(4_000),
          Array.from({ length: 8_000 }, (_, index) => `p${index}`).join('&'),
        ]) {
          const answer = await fetch(`${server.publicUrl}${path}`, {
            method: 'POST',
            body: many.slice(0, 50_000),
            headers: formType,
            redirect: 'manual',
          })
          noFault(answer.status, await answer.text(), path)
          expect(answer.status, path).toBeGreaterThanOrEqual(400)
        }
      }
    })
  })

  describe('an Authorization header', () => {
    const bearers = [
      '',
      'Bearer',
      'Bearer ',
      'bearer x',
      'Bearer x y',
      'Bearer ..',
      'Bearer a.b.c',
      'Bearer a.b.c.d.e',
      'Bearer eyJ9.eyJ9.',
      `Bearer ${'x'.repeat(30_000)}`,
      `Bearer ${'a.'.repeat(10_000)}`,
      'Bearer eyJhbGciOiJub25lIn0.e30.',
      'Bearer =.=.=',
      'Bearer eyJhbGciOiJSUzI1NiIsImtpZCI6Il9fcHJvdG9fXyJ9.e30.AAAA',
      'Bearer eyJhbGciOiJIUzI1NiJ9.e30.AAAA',
      'Bearer \xff\xfe',
      'Bearer eyJhbGciOiJSUzI1NiIsImNyaXQiOlsiYjY0Il0sImI2NCI6ZmFsc2V9.e30.AAAA',
      'Bearer bnVsbA.bnVsbA.bnVsbA',
      'Bearer W10.W10.W10',
      'Bearer eyJhbGciOjF9.e30.AAAA',
      'Basic',
      'Basic ',
      'Basic =',
      'Basic Og==',
      'Basic eA==',
      'Basic OmE=',
      'Basic JTow',
      `Basic ${'QUFB'.repeat(7_000)}`,
      'Basic \xff',
      `Basic ${Buffer.from('a\0b:c\0d').toString('base64')}`,
      'Digest x',
      'DPoP x.y.z',
      `Basic ${Buffer.from('%E0%A4%A:%').toString('base64')}`,
      `Basic ${Buffer.from('machine:' + 'x'.repeat(700)).toString('base64')}`,
    ]
    test.each(['/oauth2/userInfo', '/oauth2/token', '/oauth2/revoke'])(
      'of any shape is refused by %s, and no fault',
      async (path) => {
        for (const value of bearers) {
          for (const method of path === '/oauth2/userInfo' ? ['GET', 'POST'] : ['POST']) {
            const { status, text } = await sendRequest(
              server.port,
              path,
              [`Host: localhost:${server.port}`, `Authorization: ${value}`],
              { method, ...(method === 'POST' ? { body: 'grant_type=client_credentials&token=x' } : {}) },
            )
            noFault(status, text, value.slice(0, 60))
            expect([400, 401, 403], value.slice(0, 60)).toContain(status)
          }
        }
        await isServed()
      },
    )

    test('in order is taken', async () => {
      const answer = await fetch(`${server.publicUrl}/oauth2/token`, {
        method: 'POST',
        body: 'grant_type=client_credentials',
        headers: { ...formType, authorization: basic('machine', machineSecret) },
      })
      expect(answer.status).toBe(200)
    })
  })

  describe('a cookie or a path', () => {
    test('of any shape is no fault', async () => {
      const cookies = [
        '',
        '=',
        ';;',
        'a',
        `lk_browser_eu-west-1_email=${'x'.repeat(20_000)}`,
        'lk_session_eu-west-1_email=%00',
        'lk_session_eu-west-1_email=__proto__',
        'lk_interaction_eu-west-1_email=../..',
        `lk_session_eu-west-1_email=${'A'.repeat(43)}`,
        'lang=%00',
        'lang=\xff',
        'demo_session=constructor',
        'lk_browser_eu-west-1_email="quoted"',
        'a=b; a=c; a=d',
      ]
      const query = new URLSearchParams({
        client_id: 'email',
        redirect_uri: callback,
        response_type: 'code',
        code_challenge: 'x'.repeat(43),
        code_challenge_method: 'S256',
      }).toString()
      for (const cookie of cookies) {
        for (const target of [
          `/oauth2/authorize?${query}`,
          `/oauth2/authorize?${query}&prompt=none`,
          '/oauth2/authorize/x',
          '/login?flow=x',
          '/logout',
          '/demo',
          '/dev/mail',
        ]) {
          const { status, text } = await sendRequest(server.port, target, [
            `Host: localhost:${server.port}`,
            `Cookie: ${cookie}`,
          ])
          noFault(status, text, `${target} ${cookie}`)
        }
      }
      const paths = [
        '/%00',
        '/%',
        '/%E0%A4%A',
        '/login/%00',
        '/login%00',
        '/oauth2/authorize/%00',
        '/oauth2/authorize/%E0%A4%A',
        '/dev/mail/%00',
        '/dev/mail/%00/html',
        `/dev/mail/${'x'.repeat(20_000)}`,
        `/${'a/'.repeat(10_000)}`,
        `/${'%2e%2e%2f'.repeat(2_000)}etc/passwd`,
        '/assets/../../package.json',
        '/assets/%2e%2e/%2e%2e/package.json',
        '/assets/..%2f..%2fpackage.json',
        '/assets/constructor',
        '/assets/',
        '/eu-west-1_email%00/login',
        '/__proto__/login',
        '/eu-west-1___proto__/login',
        '//',
        '/;/login',
        '/login;x=y',
        '/LOGIN',
        '/login/',
        `/oauth2/authorize/${'x'.repeat(20_000)}`,
      ]
      for (const path of paths) {
        for (const method of ['GET', 'HEAD', 'POST', 'OPTIONS', 'PUT']) {
          const { status, text } = await sendRequest(server.port, path, [`Host: localhost:${server.port}`], {
            method,
            ...(method === 'POST' ? { body: 'a=b' } : {}),
          })
          noFault(status, text, `${method} ${path.slice(0, 80)}`)
          expect(text).not.toContain('"dependencies"')
        }
      }
    })
  })

  test('and whoever comes next is served', async () => {
    await haveAccount(server, { username: 'last@example.com', password: goodPassword })
    const caller = await callerAt(server.publicUrl)
    const app = await signIn(caller.page, 'last@example.com')
    expect(whereItIs(app)).toBe('the app')
    expect((await redeem(server.publicUrl, caller, app)).status).toBe(200)
    await isServed()
  })
})
