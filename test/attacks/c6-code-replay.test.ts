import { afterAll, beforeAll, expect, test } from 'vitest'
import { sha256 } from '../../src/security/digest.ts'
import { codeForm, configurationOf, createBrowser, userInfo } from '../conformance/pool.ts'
import type { Browser } from '../conformance/pool.ts'
import { startTwoProcesses } from '../support/balanced-processes.ts'
import type { TwoProcesses } from '../support/balanced-processes.ts'

/*
 * Threat row C6: a gate against replay that believed a count of changed rows (Keycloak CVE-2026-90997). A code, sent to two
 * real processes on one PostgreSQL at once, and what is in the database afterwards. Guards redeemCode in
 * src/persistence/authorization-code-rows.ts and src/domain/tokens/redeem-code.ts. (conformance/code-exchange.test.ts has
 * one process.)
 */

let servers: TwoProcesses
let browser: Browser
beforeAll(async () => {
  servers = await startTwoProcesses(configurationOf())
  browser = createBrowser(servers.publicUrl)
  await browser.authorize()
})
afterAll(() => servers.stop())

const freshForm = async (): Promise<Record<string, string>> => {
  const { answer, request } = await browser.authorize()
  return codeForm(answer, request)
}
const redeem = (port: number, form: Record<string, string>) => servers.requestTokens(port, form)

interface Stored {
  grants: number
  revoked: number
  tokens: number
  named: boolean
}
/** Grants and refresh tokens since a moment, and whether the code knows the one grant that it has become. */
async function stored(code: string, before: Date): Promise<Stored> {
  const [row] = await servers.sql<Stored & { [name: string]: unknown }>(
    `select (select count(*) from grants where created_at >= $2)::int as grants,
       (select count(*) from grants where created_at >= $2 and revoked_at is not null)::int as revoked,
       (select count(*) from refresh_tokens where created_at >= $2)::int as tokens,
       exists (select from authorization_codes as code join grants on grants.id = code.grant_id
         where code.code_hash = $1 and code.consumed_at is not null) as named`,
    [sha256(code), before],
  )
  return { grants: row!.grants, revoked: row!.revoked, tokens: row!.tokens, named: row!.named }
}

test('a code at two processes, fifty times at once, opens one grant, and that one is over', async () => {
  for (let round = 0; round < 3; round += 1) {
    const form = await freshForm()
    const before = new Date()
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) => redeem(servers.ports[index % 2 === 0 ? 0 : 1], form)),
    )
    const won = answers.filter(({ status }) => status === 200)
    expect(won.length).toBeLessThanOrEqual(1)
    for (const answer of answers) if (answer !== won[0]) expect(answer.body).toMatchObject({ error: 'invalid_grant' })
    expect(await stored(form['code'] ?? '', before)).toEqual({ grants: 1, revoked: 1, tokens: 1, named: true })
    for (const { body } of won) {
      expect((await userInfo(servers.publicUrl, body.access_token ?? '')).status).toBe(401)
      const again = { grant_type: 'refresh_token', client_id: 'app', refresh_token: body.refresh_token ?? '' }
      for (const port of servers.ports) expect((await redeem(port, again)).status).toBe(400)
    }
  }
})

test('a code redeemed at one process and shown again at the other ends what it began', async () => {
  for (const [first, second] of [servers.ports, servers.ports.toReversed()] as [number, number][]) {
    const form = await freshForm()
    const before = new Date()
    const { status, body } = await redeem(first, form)
    expect(status).toBe(200)
    expect((await userInfo(servers.publicUrl, body.access_token ?? '')).status).toBe(200)
    expect((await redeem(second, form)).body.error).toBe('invalid_grant')
    expect(await stored(form['code'] ?? '', before)).toEqual({ grants: 1, revoked: 1, tokens: 1, named: true })
    expect((await userInfo(servers.publicUrl, body.access_token ?? '')).status).toBe(401)
  }
})

test('a code that is wrong at one process and right at the other is redeemed once', async () => {
  const form = await freshForm()
  const before = new Date()
  const wrong = { ...form, code_verifier: 'v'.repeat(43) }
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, index) =>
      redeem(servers.ports[index % 2 === 0 ? 0 : 1], index === 11 ? form : wrong),
    ),
  )
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
  expect(answers[11]?.status).toBe(200)
  expect(await stored(form['code'] ?? '', before)).toMatchObject({ grants: 1, tokens: 1, named: true })
})

test('a process that is killed with a code in hand leaves it spent once or not at all', async () => {
  const form = await freshForm()
  const before = new Date()
  const [, doomed] = servers.processes
  const asked = Array.from({ length: 8 }, () => redeem(servers.ports[1], form).catch(() => undefined))
  await doomed.kill()
  const answers = await Promise.all(asked)
  const granted = answers.filter((answer) => answer?.status === 200).length
  const { grants, tokens } = await stored(form['code'] ?? '', before)
  expect([grants, tokens].every((count) => count <= 1)).toBe(true)
  expect(grants).toBeGreaterThanOrEqual(granted)
  const later = await redeem(servers.ports[0], form)
  expect(later.status).toBe(grants === 0 ? 200 : 400)
  expect((await stored(form['code'] ?? '', before)).grants).toBe(1)
})
