import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { checkProperty, fuzzedDatabases, fuzzTimeoutMs } from '../fuzz-run.ts'
import { ownDomain, startServerUnderTest } from '../server-under-test.ts'
import type { ServerUnderTest } from '../server-under-test.ts'
import { faultsOf } from '../sound-answer.ts'
import { exchange } from './exchange.ts'
import type { WireAnswer } from './exchange.ts'
import { hostileRequest } from './hostile-requests.ts'
import type { HostileRequest } from './hostile-requests.ts'
import { createLiveSource } from './live-source.ts'
import type { LiveSource } from './live-source.ts'
import type { LiveValues } from './live-values.ts'
import { bytesOf, hangsUp } from './wire-format.ts'

/*
 * Every endpoint with every parameter, header, cookie and body that nobody should send, over real HTTP (threat rows B1,
 * C1, C12, F1). Codes of mailboxes are not among what is sent, so the account of somebody else stays as it is.
 */

describe.each(fuzzedDatabases)('%s', (database) => {
  let server: ServerUnderTest
  let sources: { path: LiveSource; links: LiveSource }
  const answers = new Map<number, number>()
  beforeAll(async () => {
    server = await startServerUnderTest(database)
    sources = { path: await createLiveSource(server, 'codes'), links: await createLiveSource(server, 'links') }
  })
  afterAll(() => server.stop())

  const holds = async (request: HostileRequest): Promise<void> => {
    const source = request.path.includes('_links') ? sources.links : sources.path
    const values = await source.at(request.stage, JSON.stringify(request))
    const before = await source.bystander()
    server.errors.length = 0
    const answer = await send(server, request, values)
    const status = answer?.status ?? 0
    answers.set(status, (answers.get(status) ?? 0) + 1)
    const secure = request.host === ownDomain
    const faults =
      answer === undefined ? [] : [...faultsOf(answer, server.publicUrl, { secure }), ...wireFaults(answer, request)]
    const after = await source.bystander()
    const unchanged =
      after?.passwordHash === before?.passwordHash && after?.status === before?.status && after?.enabled === true
    if (!unchanged) faults.push('the account of somebody else has changed')
    faults.push(...server.errors.map((line) => `logged as an error: ${line}`))
    expect(faults, `${status} ${answer?.body.slice(0, 500)}`).toEqual([])
  }

  test('no request breaks an endpoint', { timeout: fuzzTimeoutMs }, async () => {
    const progress = (): string => [...answers].map(([status, count]) => `${count} of ${status}`).join(', ')
    await checkProperty(`endpoints, ${database}`, fc.asyncProperty(hostileRequest, holds), { runs: 400, progress })
    expect((await fetch(`${server.publicUrl}/readyz`)).status).toBe(200)
  })
})

function send(server: ServerUnderTest, request: HostileRequest, values: LiveValues): Promise<WireAnswer | undefined> {
  const { host } = new URL(server.publicUrl)
  const options = { hangUp: hangsUp(request), method: request.method }
  return exchange(server.port, bytesOf(request, values, host), options)
}

/** Secrets that buy tokens; without one in the request none may be in the answer. */
const proofs = ['client_secret', 'code', 'refresh_token'] as const

function wireFaults(answer: WireAnswer, request: HostileRequest): string[] {
  const incomplete = answer.complete ? [] : ['the answer does not come to its end']
  const text = JSON.stringify(request)
  const proved = proofs.some((name) => text.includes(`«${name}»`)) || text.includes('Basic ')
  const tokens = answer.body.includes('"access_token"') && !proved ? ['tokens for nothing'] : []
  return [...incomplete, ...tokens]
}
