import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startSmtpServer } from '../messaging/support/smtp-server.ts'
import type { TestSmtpServer } from '../messaging/support/smtp-server.ts'
import { basic, decode, requestTokens } from '../support/relying-party.ts'
import type { TokenResponse } from '../support/relying-party.ts'
import { freePort, startServerProcess } from '../support/server-process.ts'
import type { ServerProcess } from '../support/server-process.ts'
import { createUserAgent } from '../support/user-agent.ts'
import type { UserAgent, VisitedPage } from '../support/user-agent.ts'
import { callback, whereItIs } from '../support/visitor.ts'
import { attackedPool, callerAt } from './support/attacked-pool.ts'
import { startOwnPostgres } from './support/own-postgres.ts'
import type { OwnPostgres } from './support/own-postgres.ts'

/*
 * Threat row F10, secrets in logs (next-auth CVE-2022-31186): whoever reads the log, or a copy of the database, or an error
 * page, must not be able to be somebody. A server that logs all it can, on a database and a mail server with passwords, is
 * led through every journey, right and wrong, and through the loss of both; then everything that it has said, stored and
 * shown is searched for every secret of the run, in every form that such a text takes. Guards src/platform/log.ts,
 * src/app/request-log.ts, src/cli/explain-error.ts, src/messaging/email/smtp-failure.ts and what src/persistence stores.
 */

const secrets = new Map<string, string>()
/** One that is made here; what is made by the server is remembered when it comes. */
const made = (name: string): string => remember(name, `S3cret-${randomBytes(9).toString('base64url')}`)
const weak = (): string => remember('password that is too weak', `weak${randomBytes(8).toString('hex')}`)
function remember(name: string, value: string | undefined): string {
  if (value === undefined || value.length < 6) throw new Error(`${name} is no secret: ${value}`)
  secrets.set(`${name} #${secrets.size}`, value)
  return value
}

const ownSecret = remember('LATCHKEY_SECRET', randomBytes(32).toString('base64'))
const smtpPassword = made('password of SMTP_URL')
const clientSecret = made('client secret')
const seedPassword = made('password of the configuration')

let folder: string
let postgres: OwnPostgres
let smtp: TestSmtpServer
let server: ServerProcess
let base: string
/** What error answers said. */
const shown: string[] = []

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'logs-'))
  postgres = await startOwnPostgres()
  remember('password of DATABASE_URL', new URL(postgres.url).password)
  smtp = await startSmtpServer({
    authOptional: false,
    allowInsecureAuth: true,
    onAuth: (_auth, _session, done) => done(null, { user: 'mailer' }),
  })
  const pools = [
    attackedPool({
      Users: [{ Username: 'seed@example.com', Password: seedPassword, Attributes: { email_verified: 'true' } }],
    }),
    attackedPool({
      ...{ Id: 'eu-west-1_links', PoolName: 'links', Default: false },
      VerificationMessageTemplate: { DefaultEmailOption: 'CONFIRM_WITH_LINK' },
    }),
  ]
  const text = JSON.stringify({ UserPools: pools }).replaceAll('Machine-7Zp4Kq9Xw2Vn8Lr5', '${SHOP_SECRET}')
  await writeFile(join(folder, 'latchkey.yaml'), text)
  const port = await freePort()
  base = `http://localhost:${port}`
  server = await startServerProcess({
    ...{ PORT: String(port), PUBLIC_URL: base, DATABASE_URL: postgres.url, LATCHKEY_SECRET: ownSecret },
    ...{ SMTP_URL: smtp.url.replace('//', `//mailer:${smtpPassword}@`), MAIL_FROM: 'no-reply@id.example' },
    ...{ LATCHKEY_CONFIG: join(folder, 'latchkey.yaml'), SHOP_SECRET: clientSecret, DATA_DIR: folder },
    ...{ LOG_LEVEL: 'trace', NODE_ENV: 'production', LATCHKEY_REGION: 'eu-west-1' },
  })
})
afterAll(async () => {
  await server.kill()
  await smtp.stop()
  await postgres.remove()
  await rm(folder, { recursive: true, force: true })
})

/** A page as it is shown: an error's, and the ids that it carries. */
function see(page: VisitedPage): VisitedPage {
  if (page.status >= 400) shown.push(page.html, page.url.href)
  for (const name of ['_csrf', 'flow']) if (page.field(name)) remember(name, page.field(name))
  return page
}
function keep(agent: UserAgent): void {
  for (const [name, value] of agent.cookies) if (value.length > 20) remember(`cookie ${name}`, value)
}
async function newest(address: string, pattern: RegExp): Promise<string> {
  await expect.poll(() => smtp.received.some(({ to }) => to.includes(address)), { timeout: 20_000 }).toBe(true)
  const mail = smtp.received.findLast(({ to }) => to.includes(address))
  return remember(`what a mail to ${address} says`, pattern.exec(mail?.parsed.text ?? '')?.[0])
}
const code = /\b\d{6}\b/
const link = /https?:\S+\/confirmUser\?\S+/

async function tokens(
  form: Record<string, string>,
  headers: Record<string, string> = {},
): Promise<TokenResponse['body']> {
  const { status, body } = await requestTokens(base, form, headers)
  if (status >= 400) shown.push(JSON.stringify(body))
  for (const name of ['access_token', 'id_token', 'refresh_token'] as const) {
    if (body[name] !== undefined) remember(name, body[name])
  }
  return body
}
const byCode = (authorizationCode: string, code_verifier: string): Record<string, string> => ({
  ...{ grant_type: 'authorization_code', client_id: 'email', redirect_uri: callback },
  ...{ code: authorizationCode, code_verifier },
})
async function status(path: string, init: RequestInit = {}): Promise<number> {
  const answer = await fetch(`${base}${path}`, { redirect: 'manual', ...init })
  const text = await answer.text()
  if (answer.status >= 400) shown.push(text, JSON.stringify([...answer.headers]))
  return answer.status
}

/** Somebody signs up, gets it wrong, confirms, signs in again, forgets the password and signs out. */
async function wholeLife(username: string): Promise<{ refresh: string; agent: UserAgent }> {
  const password = made('password')
  const caller = await callerAt(base)
  const form = see(await see(caller.page).follow('Create an account'))
  see(await form.submit({ username, password: weak() }))
  const waiting = see(await form.submit({ username, password }))
  const sent = await newest(username, code)
  see(await waiting.submit({ code: remember('wrong code', sent === '123456' ? '654321' : '123456') }))
  const app = see(await waiting.submit({ code: sent }))
  expect(whereItIs(app)).toBe('the app')
  const granted = remember('authorization code', app.url.searchParams.get('code') ?? '')
  const verifier = remember('code verifier', caller.request.codeVerifier)
  const first = await tokens(byCode(granted, verifier))
  await tokens(byCode(granted, verifier))
  const again = await callerAt(base, {}, caller.agent)
  const code2 = remember(
    'authorization code',
    whereItIs(again.page) === 'the app' ? again.page.url.searchParams.get('code')! : '',
  )
  const live = await tokens(byCode(code2, again.request.codeVerifier))
  const refreshed = await tokens({ ...refreshing, refresh_token: live.refresh_token ?? '' })
  expect(await status('/oauth2/userInfo', bearer(refreshed.access_token))).toBe(200)
  expect(first.refresh_token).toBeDefined()
  keep(caller.agent)
  return { refresh: live.refresh_token ?? '', agent: caller.agent }
}
const refreshing = { grant_type: 'refresh_token', client_id: 'email' }
const bearer = (token = ''): RequestInit => ({ headers: { authorization: `Bearer ${token}` } })

async function forgets(username: string): Promise<void> {
  const { agent, page } = await callerAt(base)
  see(await page.submit({ username, password: made('wrong password') }))
  const before = smtp.received.length
  const reset = see(await see(await page.follow('Forgot your password?')).submit({ username }))
  await expect.poll(() => smtp.received.length, { timeout: 20_000 }).toBeGreaterThan(before)
  const sent = await newest(username, code)
  see(await reset.submit({ code: sent, password: weak() }))
  expect(whereItIs(see(await reset.submit({ code: sent, password: made('new password') })))).toBe('the app')
  keep(agent)
}

async function byLink(username: string): Promise<void> {
  const { agent, page } = await callerAt(`${base}/eu-west-1_links`)
  await (await page.follow('Create an account')).submit({ username, password: made('password') })
  const address = await newest(username, link)
  remember('code of a link', new URL(address).searchParams.get('confirmation_code') ?? '')
  const other = createUserAgent(base)
  see(await (await other.visit(address)).submit({ password: made('wrong password at a link') }))
  expect(whereItIs(see(await see(await agent.visit(address)).submit({})))).toBe('the app')
  see(await other.visit(address))
  keep(agent)
  keep(other)
}

/** Secrets where they do not belong, or are none. */
async function allWrong(): Promise<void> {
  const body = (fields: Record<string, string>): RequestInit => ({ method: 'POST', body: new URLSearchParams(fields) })
  const json = { method: 'POST', headers: { 'content-type': 'application/json' } }
  const secret = (): string => made('stray secret')
  await status(`/oauth2/userInfo?access_token=${secret()}`)
  await status('/oauth2/userInfo', bearer(secret()))
  await status('/oauth2/userInfo', bearer(`${secret()}.${secret()}.${secret()}`))
  await status('/oauth2/revoke', body({ client_id: 'email', token: secret() }))
  await status(`/login?password=${secret()}&username=x&code=${secret()}`)
  await status('/login', body({ username: 'x', password: secret(), _csrf: secret(), flow: secret() }))
  await status('/nowhere', body({ password: secret(), client_secret: secret() }))
  await status(`/logout?client_id=email&id_token_hint=${secret()}&logout_uri=${secret()}`)
  await status(`/confirmUser?client_id=email&user_name=x&confirmation_code=${secret()}`)
  await status('/oauth2/token', { ...json, body: JSON.stringify({ client_secret: secret(), code: secret() }) })
  await status('/oauth2/token', { ...json, body: `{"password":"${secret()}"` })
  await status('/oauth2/token', body({ grant_type: 'password', username: 'seed@example.com', password: secret() }))
  await status('/oauth2/token', body({ ...refreshing, refresh_token: secret(), client_secret: secret() }))
  await status(
    `/oauth2/token?client_secret=${secret()}`,
    body({ grant_type: 'client_credentials', client_id: 'machine' }),
  )
  await status('/oauth2/authorize?client_id=email&request=x', { headers: { cookie: `XSRF-TOKEN=${secret()}` } })
  await status(`/oauth2/authorize?client_id=email&redirect_uri=https://evil.example/?secret=${secret()}`)
  for (const authorization of [basic('machine', secret()), `Basic ${secret()}`, `Digest ${secret()}`, secret()]) {
    await tokens({ grant_type: 'client_credentials' }, { authorization })
  }
}

/** Every form in which a text may hold it. */
function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret)
  const inner = (text: Buffer, skip: number): string =>
    text
      .subarray(skip)
      .toString('base64')
      .replace(/=*$/, '')
      .slice(skip === 0 ? 0 : 2, -2)
  return [
    ...[secret, encodeURIComponent(secret), bytes.toString('hex'), JSON.stringify(secret).slice(1, -1)],
    ...[bytes.toString('base64url'), bytes.toString('base64').replace(/=*$/, '')],
    // As part of something longer that is encoded as a whole: a client's credentials, say.
    ...(bytes.length > 12 ? [inner(bytes, 0), inner(bytes, 1), inner(bytes, 2)] : []),
  ]
}
/** Six digits are found by chance within times and ids; a code stands by itself. */
const pattern = (form: string): RegExp => {
  const text = form.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
  return /^\d{6}$/.test(form) ? new RegExp(`(?<![\\d.:-])${text}(?![\\d-])`) : new RegExp(text)
}
const foundIn = (text: string): string[] =>
  [...secrets].flatMap(([name, secret]) =>
    [...new Set(formsOf(secret))].filter((form) => pattern(form).test(text)).map((form) => `${name}: ${form}`),
  )

/** Every row of every table, as text. */
async function stored(): Promise<string> {
  const client = new pg.Client({ connectionString: postgres.url })
  await client.connect()
  const { rows: tables } = await client.query<{ name: string }>(
    "select table_name as name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'",
  )
  const texts: string[] = []
  for (const { name } of tables) {
    const { rows } = await client.query<{ row: string }>(`select t::text as row from ${pg.escapeIdentifier(name)} t`)
    texts.push(...rows.map(({ row }) => `${name} ${row}`))
  }
  await client.end()
  return texts.join('\n')
}

describe('a server that logs all it can', () => {
  test('is led through every journey, and through the loss of its database and its mail server', async () => {
    const { refresh, agent } = await wholeLife('ada@example.com')
    await byLink('bea@example.com')
    await forgets('seed@example.com')
    await tokens({ grant_type: 'client_credentials' }, { authorization: basic('machine', clientSecret) })
    await tokens({ grant_type: 'client_credentials', client_id: 'machine', client_secret: clientSecret })
    await allWrong()
    const implicit = await callerAt(base, { client_id: 'implicit', response_type: 'token' }, agent)
    remember(
      'token of the implicit flow',
      new URLSearchParams(implicit.page.url.hash.slice(1)).get('access_token') ?? '',
    )
    see((await callerAt(base, { response_mode: 'form_post', prompt: 'none' }, agent)).page)

    // A mail server that quotes what it refuses.
    const quoting = (raw: string): string => `5.7.1 Not with ${remember('refused code', code.exec(raw)?.[0])} in it`
    smtp.refuse.data.push({ responseCode: 554, message: quoting })
    const { page } = await callerAt(base)
    const form = await page.follow('Create an account')
    const cut = { username: 'cut@example.com', password: made('password') }
    const waiting = await form.submit(cut)
    await expect.poll(stored, { timeout: 20_000 }).toContain('SMTP 554')

    const before = await stored()
    const half = await callerAt(base)
    const caller = await callerAt(base, {}, agent)
    const late = remember('authorization code', caller.page.url.searchParams.get('code') ?? '')
    await postgres.crash()
    see(await half.page.submit({ username: 'ada@example.com', password: made('password') }))
    see(await waiting.submit({ code: '000000' }))
    see(await agent.visit(half.request.url))
    await tokens(byCode(late, caller.request.codeVerifier))
    await tokens({ ...refreshing, refresh_token: refresh })
    await tokens({ grant_type: 'client_credentials' }, { authorization: basic('machine', clientSecret) })
    await tokens({ grant_type: 'client_credentials' }, { authorization: basic('machine', made('client secret')) })
    await status('/oauth2/revoke', {
      method: 'POST',
      body: new URLSearchParams({ client_id: 'email', token: refresh }),
    })
    await postgres.comeBack()
    await expect.poll(() => status('/readyz'), { timeout: 30_000 }).toBe(200)
    keep(agent)
    expect(before.length).toBeGreaterThan(1000)
  }, 180_000)

  test('has said none of their secrets', async () => {
    expect(await server.terminate()).toBe(0)
    const lines = server.output().trim().split('\n')
    expect(lines.length).toBeGreaterThan(100)
    expect(lines.filter((line) => !line.startsWith('{'))).toEqual([])
    expect(lines.filter((line) => line.includes('"err"')).length).toBeGreaterThan(3)
    expect(foundIn(server.output())).toEqual([])
  })

  test('has stored none', async () => {
    const text = await stored()
    // It is all there: people, what they did, what waits for the mail server.
    for (const what of ['ada@example.com', 'SMTP 554 5.7.1 at DATA', 'audit_events ', 'grants '])
      expect(text).toContain(what)
    const times = /\d{4}-\d{2}-\d{2} [\d:.]+/g
    expect(foundIn(text.replaceAll(times, ''))).toEqual([])
  })

  test('has shown none on an error’s page or answer', () => {
    expect(shown.length).toBeGreaterThan(40)
    const forms = new Set(['_csrf', 'flow'])
    const text = shown.join('\n')
    // A form that is shown again has its own token and flow.
    expect(foundIn(text).filter((found) => !forms.has(found.split(' ')[0] ?? ''))).toEqual([])
  })

  test('had secrets to tell, and they would have been found', () => {
    const kinds = new Set([...secrets.keys()].map((name) => name.replace(/ #\d+$/, '')))
    expect([...kinds]).toEqual(
      expect.arrayContaining(['access_token', 'refresh_token', 'authorization code', 'code of a link']),
    )
    expect(secrets.size).toBeGreaterThan(60)
    for (const [name, secret] of secrets) {
      const told = [`{"msg":"${secret}"}`, `(1,${secret},2)`, `?x=${encodeURIComponent(secret)}`]
      for (const text of told) expect([name, foundIn(text).length > 0]).toEqual([name, true])
    }
    expect(foundIn(basic('machine', clientSecret))).not.toEqual([])
    expect(decode([...secrets].find(([name]) => name.startsWith('access_token'))?.[1])['token_use']).toBe('access')
  })
})
