import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { auditEvent } from '../persistence/records.ts'
import { sha256 } from '../../src/security/digest.ts'
import { callback, codeForm, configurationOf, createBrowser, otherPoolId } from '../conformance/pool.ts'
import { movableClock } from '../support/movable-clock.ts'
import { basic, requestTokens } from '../support/relying-party.ts'
import { databaseKinds, startServer } from '../support/server.ts'
import type { TestServer } from '../support/server.ts'

/*
 * Threat row C3: Pocket ID wrote `&&` for `||`, so that a code had to be wrong in two ways to be refused; others forgot the
 * client or the time. The whole truth table of the five checks: one of thirty-two rows gives tokens. Guards
 * src/domain/tokens/redeem-code.ts and, a second time, src/persistence/authorization-code-rows.ts.
 * (conformance/code-exchange.test.ts has each fault alone, and that it does not spend the code.)
 */

const checks = ['client', 'redirect', 'verifier', 'time', 'first use'] as const
type Check = (typeof checks)[number]

/** Every set of faults. */
const faultSets: readonly (readonly Check[])[] = Array.from({ length: 2 ** checks.length }, (_, bits) =>
  checks.filter((_check, index) => (bits >> index) % 2 === 1),
)

const other = `${callback}/two`
const theirSecret = 'a-secret-of-the-thief'
const clients = {
  owner: { CallbackURLs: [callback, other] },
  thief: { CallbackURLs: [callback, other] },
  // The thief may prove who it is as well as it likes.
  'confidential-thief': { CallbackURLs: [callback, other], ClientSecret: theirSecret },
}

describe.each(databaseKinds)('on %s', (database) => {
  const clock = movableClock({ stopped: true })
  let server: TestServer
  beforeAll(async () => {
    const configuration = configurationOf({ clients })
    server = await startServer({ configuration, database, clock })
  })
  afterAll(() => server.stop())

  const fresh = async (): Promise<Record<string, string>> => {
    const { answer, request } = await createBrowser(server.publicUrl).authorize({ client_id: 'owner' })
    return codeForm(answer, request)
  }
  const redeem = (form: Record<string, string>, headers: Record<string, string> = {}) =>
    requestTokens(server.publicUrl, form, headers)

  test('of all thirty-two ways to bring a code, one is right', async () => {
    const granted: string[] = []
    for (const faults of faultSets) {
      const right = await fresh()
      const form = {
        ...right,
        ...(faults.includes('client') ? { client_id: 'thief' } : {}),
        ...(faults.includes('redirect') ? { redirect_uri: other } : {}),
        ...(faults.includes('verifier') ? { code_verifier: 'v'.repeat(43) } : {}),
      }
      if (faults.includes('first use')) expect((await redeem(right)).status).toBe(200)
      if (faults.includes('time')) clock.pass(300)
      const { status, body } = await redeem(form)
      if (faults.includes('time')) clock.pass(-300)
      if (status === 200) granted.push(faults.join(', '))
      else {
        expect([faults, status]).toEqual([faults, 400])
        expect(body.error).toMatch(/^(invalid_grant|unauthorized_client)$/)
      }
      expect([faults, Object.keys(body).filter((name) => /token/.test(name) && status !== 200)]).toEqual([faults, []])
    }
    expect(granted).toEqual([''])
  })

  test('a thief’s own good name is no help', async () => {
    const form = await fresh()
    const { client_id: _id, ...rest } = form
    const credentials = basic('confidential-thief', theirSecret)
    for (const [fields, headers] of [
      [rest, { authorization: credentials }],
      [{ ...rest, client_id: 'confidential-thief', client_secret: theirSecret }, {}],
      // The owner is named beside the thief's proof.
      [form, { authorization: credentials }],
      [{ ...form, client_secret: theirSecret }, {}],
      [{ ...form, client_id: '' }, { authorization: credentials }],
    ] as [Record<string, string>, Record<string, string>][]) {
      const { status, body } = await redeem(fields, headers)
      expect([status, body.access_token]).toEqual([expect.toBeOneOf([400, 401]), undefined])
    }
    expect((await redeem(form)).status).toBe(200)
  })

  test('nor is another pool’s client of the same name, nor a name in other letters', async () => {
    const form = await fresh()
    const elsewhere = await requestTokens(`${server.publicUrl}/${otherPoolId}`, form)
    expect(elsewhere.body.error).toBe('invalid_grant')
    for (const client_id of ['OWNER', 'owner ', ' owner', 'owner\0', 'owner%00', 'own\u0435r']) {
      expect([client_id, (await redeem({ ...form, client_id })).status]).toEqual([client_id, 400])
    }
    expect((await redeem(form)).status).toBe(200)
  })

  test('what is checked before is checked once more where the code is spent', async () => {
    const { store } = server.services.domain
    const { code = '' } = await fresh()
    const found = await store.grants.findCode(server.services.directory.default()!.id, sha256(code))
    const { userPoolId, clientId, userSub, scope, authTime, amr } = found!.code
    const at = clock.now()
    const grant = { ...{ id: 'g', userPoolId, clientId, userSub, scope, authTime, amr, eventId: 'e' }, createdAt: at }
    const spend = (change: object, when = at) =>
      store.grants.redeemCode({
        ...{ userPoolId, codeHash: sha256(code), refreshTokenHash: 'r', at: when, event: auditEvent(userPoolId) },
        grant: { ...grant, expiresAt: new Date(at.getTime() + 1000), ...change },
      })
    expect(await spend({ clientId: 'thief' })).toBe(false)
    expect(await spend({ userSub: 'somebody' })).toBe(false)
    expect(await spend({}, new Date(at.getTime() + 300_000))).toBe(false)
    expect(await spend({})).toBe(true)
    expect(await spend({ id: 'another' })).toBe(false)
  })
})
