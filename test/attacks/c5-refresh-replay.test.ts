import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { configurationOf, createBrowser, userInfo } from '../conformance/pool.ts'
import type { Browser, Tokens } from '../conformance/pool.ts'
import { decode } from '../support/relying-party.ts'
import { startTwoProcesses } from '../support/balanced-processes.ts'
import type { TwoProcesses } from '../support/balanced-processes.ts'

/*
 * Threat row C5: a refresh token read, checked and revoked in three steps, so that fifty uses at once become fifty families
 * (better-auth CVE-2026-53517 and others). Two real processes on one PostgreSQL. Guards src/domain/tokens/refresh-grant.ts
 * and rotate in src/persistence/refresh-token-rows.ts. (conformance/refresh.test.ts has one process, and two servers in one.)
 */

const atOnce = 50

let servers: TwoProcesses
let browser: Browser
beforeAll(async () => {
  servers = await startTwoProcesses(configurationOf())
  browser = createBrowser(servers.publicUrl)
  await browser.authorize()
})
afterAll(() => servers.stop())

const familyOf = ({ accessToken }: Tokens): string => String(decode(accessToken)['origin_jti'])
const refresh = (port: number, clientId: string, token: string) =>
  servers.requestTokens(port, { grant_type: 'refresh_token', client_id: clientId, refresh_token: token })

/** The same token at both processes, in turn and all at once. */
const flood = (clientId: string, token: string) =>
  Promise.all(
    Array.from({ length: atOnce }, (_, index) => refresh(servers.ports[index % 2 === 0 ? 0 : 1], clientId, token)),
  )

/** The family as it is stored: how many tokens it has, how many of them may still be used, and whether it lives. */
async function stored(family: string): Promise<{ tokens: number; unspent: number; revoked: boolean }> {
  const [row] = await servers.sql<{ tokens: number; unspent: number; revoked: boolean }>(
    `select count(*)::int as tokens, (count(*) filter (where consumed_at is null))::int as unspent,
       bool_or(grants.revoked_at is not null) as revoked
     from refresh_tokens join grants on grants.id = refresh_tokens.grant_id where grants.id = $1`,
    [family],
  )
  return row!
}

/** Time passes for what has been spent, in both processes alike. */
const age = (family: string, seconds: number) =>
  servers.sql(`update refresh_tokens set consumed_at = consumed_at - $2 * interval '1 second' where grant_id = $1`, [
    family,
    seconds,
  ])

const isAlive = async (token: string): Promise<boolean> => (await userInfo(servers.publicUrl, token)).status === 200

describe('one refresh token at two processes, fifty times at once', () => {
  test('has one winner, does not fork, and its family is over: somebody has a copy', async () => {
    const tokens = await browser.signIn({ client_id: 'rotating' })
    const answers = await flood('rotating', tokens.refreshToken)
    const won = answers.filter(({ status }) => status === 200)
    expect(won).toHaveLength(1)
    for (const answer of answers) if (answer !== won[0]) expect(answer.body).toMatchObject({ error: 'invalid_grant' })
    expect(await stored(familyOf(tokens))).toEqual({ tokens: 2, unspent: 1, revoked: true })
    for (const port of servers.ports) {
      expect((await refresh(port, 'rotating', won[0]?.body.refresh_token ?? '')).status).toBe(400)
    }
    for (const token of [tokens.accessToken, won[0]?.body.access_token ?? '']) expect(await isAlive(token)).toBe(false)
  })

  test('within its grace gives everybody the same successor, and that one alone goes on', async () => {
    const tokens = await browser.signIn({ client_id: 'graceful' })
    const answers = await flood('graceful', tokens.refreshToken)
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200))
    const successors = new Set(answers.map(({ body }) => body.refresh_token))
    expect(successors.size).toBe(1)
    expect(await stored(familyOf(tokens))).toEqual({ tokens: 2, unspent: 1, revoked: false })
    const [successor = ''] = [...successors]
    const next = await flood('graceful', successor)
    expect(new Set(next.map(({ body }) => body.refresh_token)).size).toBe(1)
    expect(await stored(familyOf(tokens))).toEqual({ tokens: 3, unspent: 1, revoked: false })
  })

  test('after its grace ends the family, whichever process is asked, and also when it is an old one', async () => {
    for (const port of servers.ports) {
      const tokens = await browser.signIn({ client_id: 'graceful' })
      const first = await refresh(servers.ports[0], 'graceful', tokens.refreshToken)
      const second = await refresh(servers.ports[1], 'graceful', first.body.refresh_token ?? '')
      await age(familyOf(tokens), 61)
      expect((await refresh(port, 'graceful', tokens.refreshToken)).status).toBe(400)
      expect((await stored(familyOf(tokens))).revoked).toBe(true)
      for (const other of servers.ports) {
        expect((await refresh(other, 'graceful', second.body.refresh_token ?? '')).status).toBe(400)
      }
      for (const token of [tokens.accessToken, second.body.access_token ?? '']) expect(await isAlive(token)).toBe(false)
    }
  })

  test('of a client without rotation stays one token, which everybody shares', async () => {
    const tokens = await browser.signIn()
    const answers = await flood('app', tokens.refreshToken)
    expect(answers.every(({ status, body }) => status === 200 && body.refresh_token === undefined)).toBe(true)
    expect(await stored(familyOf(tokens))).toEqual({ tokens: 1, unspent: 1, revoked: false })
  })
})

describe('a refresh token that is used while its family ends elsewhere', () => {
  test('leaves no way on, whatever the order', async () => {
    for (let round = 0; round < 5; round += 1) {
      const tokens = await browser.signIn({ client_id: 'graceful' })
      const revoke = fetch(`${servers.publicUrl}/oauth2/revoke`, {
        method: 'POST',
        body: new URLSearchParams({ client_id: 'graceful', token: tokens.refreshToken }),
      })
      const [revoked, ...answers] = await Promise.all([
        revoke,
        ...Array.from({ length: 6 }, (_, index) =>
          refresh(servers.ports[index % 2 === 0 ? 1 : 0], 'graceful', tokens.refreshToken),
        ),
      ])
      expect(revoked.status).toBe(200)
      for (const { status, body } of answers) {
        expect([200, 400]).toContain(status)
        if (status !== 200) continue
        // What was given in the last moment is as dead as the rest.
        expect((await refresh(servers.ports[1], 'graceful', body.refresh_token ?? '')).status).toBe(400)
        expect(await isAlive(body.access_token ?? '')).toBe(false)
      }
      expect((await stored(familyOf(tokens))).revoked).toBe(true)
    }
  })

  test('a thief who was first is shut out by the owner, and the owner by a thief', async () => {
    const tokens = await browser.signIn({ client_id: 'rotating' })
    const thief = await refresh(servers.ports[1], 'rotating', tokens.refreshToken)
    expect(thief.status).toBe(200)
    const onward = await refresh(servers.ports[1], 'rotating', thief.body.refresh_token ?? '')
    expect(onward.status).toBe(200)
    expect((await refresh(servers.ports[0], 'rotating', tokens.refreshToken)).status).toBe(400)
    expect((await refresh(servers.ports[1], 'rotating', onward.body.refresh_token ?? '')).status).toBe(400)
    expect(await isAlive(onward.body.access_token ?? '')).toBe(false)
    // Another sign-in of the same person is another family.
    const again = await browser.signIn({ client_id: 'rotating' })
    expect((await refresh(servers.ports[0], 'rotating', again.refreshToken)).status).toBe(200)
  })
})
