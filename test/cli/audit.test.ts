import { userInfo } from 'node:os'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { record } from '../../src/domain/audit/record.ts'
import { openServices } from '../../src/app/open-services.ts'
import type { OpenServices } from '../../src/app/open-services.ts'
import { readEnvironment } from '../../src/platform/config/environment.ts'
import { createLog } from '../../src/platform/log.ts'
import { createDatabase } from '../support/postgres.ts'
import { createLatchkey, newSecret } from './latchkey.ts'
import type { Latchkey } from './latchkey.ts'

interface Event {
  Sequence: number
  EventType: string
  EventResponse: string
  Actor: string
  Operator?: string
  Username?: string
  CreationDate: string
}

describe.each(['postgres', 'embedded'] as const)(
  'latchkey audit, on %s',
  (kind) => {
    let latchkey: Latchkey
    let drop = async (): Promise<void> => {}
    beforeAll(async () => {
      const database = kind === 'postgres' ? await createDatabase(inject('postgresUrl')) : undefined
      drop = async () => database?.drop()
      const settings = database === undefined ? {} : { DATABASE_URL: database.url, LATCHKEY_SECRET: newSecret() }
      // A start shall change nothing: neither make a pool to try out, nor give this one another issuer.
      latchkey = await createLatchkey({ LATCHKEY_DEV: '0', PUBLIC_URL: 'https://id.example.com', ...settings })
      await latchkey.json('pool', 'create', 'main')
    })
    afterAll(async () => {
      await latchkey.remove()
      await drop()
    })

    /** On the database itself, beside every command. */
    async function onDatabase<T>(work: (services: OpenServices, userPoolId: string) => Promise<T>): Promise<T> {
      const log = createLog({ level: 'silent', pretty: false })
      const services = await openServices({ environment: readEnvironment(latchkey.env), log })
      try {
        return await work(services, services.directory.default()!.id)
      } finally {
        await services.close()
      }
    }
    const list = async (...options: string[]): Promise<{ AuditEvents: Event[]; NextToken?: string }> =>
      latchkey.json('audit', ...options)
    const inShort = ({ AuditEvents }: { AuditEvents: Event[] }) =>
      AuditEvents.map(({ EventType, EventResponse }) => `${EventType} ${EventResponse}`)

    test('lists what operators did, newest first', async () => {
      await latchkey.json('user', 'create', 'ada', '--generate-password')
      await latchkey.json('user', 'disable', 'ada')
      const all = await list()
      expect(inShort(all)).toEqual(['UserDisable Pass', 'UserCreate Pass', 'UserPoolCreate Pass'])
      expect(all.AuditEvents[0]).toMatchObject({
        Sequence: 3,
        Actor: 'operator',
        Operator: userInfo().username,
        Username: 'ada',
      })
      const { stdout } = await latchkey.run(['audit', 'list', '--oldest-first', '--limit', '2'])
      const lines = stdout.split('\n')
      expect(lines[0]).toMatch(/^TIME +EVENT +OUTCOME +USER +BY +CLIENT +ADDRESS +MORE$/)
      expect(lines[1]).toMatch(/^\S+Z +UserPoolCreate +Pass +operator \w+ +\{"name":"main"\}$/)
      expect(lines[2]).toMatch(/ +UserCreate +Pass +ada +operator /)
      expect(lines.at(-2)).toMatch(/^More: --after v1\./)
    })

    // What is asked of the database is the same wherever it is: the domain's own tests have both.
    const onPostgres = (name: string, run: () => Promise<void>): void => {
      if (kind === 'postgres') test(name, run)
    }

    onPostgres('by user, type, outcome, client, address and time, page by page', async () => {
      await onDatabase(async ({ domain }, userPoolId) => {
        const visitor = { address: '192.0.2.7', userAgent: 'B', requestId: 'r', clientId: 'web' }
        const services = { ...domain, caller: visitor }
        const unknown = { userPoolId, eventType: 'SignIn', response: 'Fail', unknownName: 'nobody' } as const
        await record(services, domain.store, unknown, { ...unknown, reason: '\u001b[2J' })
      })
      expect(inShort(await list('--user', 'ada'))).toEqual(['UserDisable Pass', 'UserCreate Pass'])
      expect(inShort(await list('--user', 'NOBODY', '--outcome', 'fail', '--client', 'web'))).toHaveLength(2)
      expect(inShort(await list('--event', 'UserCreate'))).toEqual(['UserCreate Pass'])
      expect(inShort(await list('--address', '192.0.2.7', '--to', '2001-01-01'))).toEqual([])
      const { stdout } = await latchkey.run(['audit', '--address', '192.0.2.7', '--from', '2001-01-01T00:00:00Z'])
      expect(stdout).toContain('\\u001b[2J')
      expect(stdout).not.toContain('\u001b')
      const first = await list('--limit', '3')
      const next = await list('--limit', '3', '--after', first.NextToken!)
      expect([...first.AuditEvents, ...next.AuditEvents].map(({ Sequence }) => Sequence)).toEqual([5, 4, 3, 2, 1])
      for (const wrong of [
        ['--after', first.NextToken!, '--oldest-first'],
        ['--event', 'Nothing'],
        ['--outcome', 'maybe'],
        ['--from', 'yesterday'],
        ['--limit', '1001'],
        ['--pool'],
      ]) {
        expect([wrong, (await latchkey.run(['audit', ...wrong])).status]).toEqual([wrong, 2])
      }
      expect(await latchkey.run(['audit', '--pool', 'nowhere'])).toMatchObject({ status: 3, stdout: '' })
    })

    onPostgres('exports all of it, however much, as lines of JSON', async () => {
      await onDatabase(async ({ domain }, userPoolId) => {
        const entry = { userPoolId, eventType: 'SignIn', userSub: 'somebody' } as const
        for (let n = 0; n < 23; n += 1) await record(domain, domain.store, ...Array.from({ length: 100 }, () => entry))
      })
      const { stdout, status } = await latchkey.run(['audit', 'export'])
      const events = stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Event)
      expect([status, events.map(({ Sequence }) => Sequence)]).toEqual([
        0,
        Array.from({ length: 2305 }, (_, n) => n + 1),
      ])
      const some = await latchkey.run(['audit', 'export', '--event', 'UserCreate'])
      expect(some.stdout.trimEnd().split('\n')).toHaveLength(1)
      expect(await latchkey.run(['audit', 'export', '--event', 'KeyRotation'])).toMatchObject({ status: 0, stdout: '' })
    })

    const written = kind === 'postgres' ? 2306 : 4
    test('beside a running server', async () => {
      const server = await latchkey.serve()
      await latchkey.json('user', 'enable', 'ada')
      const page = await list('--limit', '1')
      expect(page.AuditEvents[0]).toMatchObject({ EventType: 'UserEnable', Operator: userInfo().username })
      expect(await latchkey.json('audit', 'verify')).toMatchObject({ Events: written })
      expect((await latchkey.run(['audit', 'export'])).stdout.trimEnd().split('\n')).toHaveLength(written)
      await server.stop()
    })

    test('verifies it, and tells where it was changed', async () => {
      const { Head: head } = (await latchkey.json('audit', 'verify')) as { Head: string }
      const checked = await latchkey.run(['audit', 'verify', '--head', head])
      expect(checked).toMatchObject({ status: 0, stderr: '' })
      expect(checked.stdout).toMatch(
        new RegExp(
          String.raw`^\S+: ${written} events, as written\.\nWhat the given head stands for was not rewritten\.\nHead: `,
        ),
      )
      expect(checked.stdout).toContain(`Head: ${head}`)
      expect(await latchkey.run(['audit', 'verify', '--head', 'nonsense'])).toMatchObject({ status: 2, stdout: '' })
      const other = `1-${head.slice(head.indexOf('-') + 1)}`
      expect((await latchkey.run(['audit', 'verify', '--head', other])).status).toBe(4)

      await onDatabase(({ database }) =>
        sql`update audit_events set response = 'Fail' where sequence = 3`.execute(database.kysely),
      )
      const changed = await latchkey.run(['audit', 'verify'])
      expect(changed).toMatchObject({
        status: 4,
        stderr: expect.stringMatching(/^latchkey: The audit trail of \S+ was changed\.\n$/),
      })
      expect(changed.stdout).toMatch(/Event number 3 \([\da-f-]{36}\) was changed\./)
      const told = await latchkey.run(['audit', 'verify', '--json'])
      expect(told.status).toBe(4)
      expect(JSON.parse(told.stdout)).toMatchObject({ Problem: { kind: 'eventChanged', sequence: 3 } })
    })

    onPostgres('of a user pool that is gone, by its id', async () => {
      const { Id } = (await latchkey.json('pool', 'create', 'second')) as { Id: string }
      await latchkey.json('pool', 'delete', Id, '--yes')
      expect(inShort(await list('--pool', Id))).toEqual(['UserPoolDelete Pass', 'UserPoolCreate Pass'])
      expect(await latchkey.json('audit', 'verify', '--pool', Id)).toMatchObject({ UserPoolId: Id, Events: 2 })
    })

    onPostgres('writes nothing with another secret than the database’s', async () => {
      const args = ['user', 'disable', 'ada']
      const outcome = await latchkey.run(args, { env: { LATCHKEY_SECRET: newSecret() } })
      expect(outcome).toMatchObject({ status: 1, stderr: expect.stringContaining('LATCHKEY_SECRET is not the one') })
      expect((await list('--limit', '1')).AuditEvents[0]).toMatchObject({ EventType: 'UserEnable' })
    })
  },
  300_000,
)
