import pg from 'pg'
import { vi } from 'vitest'
import type { TestServer } from '../../support/server.ts'

/** What a request has cost: password hashes, and statements at the database by verb and table. */
export interface Work {
  hashes: number
  statements: readonly string[]
}

/** Tables that stand for one another (decision 17). */
const counterparts: Readonly<Record<string, string>> = {
  decoy_codes: 'verification_codes',
  decoy_sign_ups: 'users',
  user_identifiers: 'users',
}

/** What the server does by itself, beside the requests: settings, the audit trail, the outbox. */
const background = new RegExp(
  [
    'settings_generation|user_pools|user_pool_domains|app_clients|app_client_secrets|resource_servers|signing_keys',
    'audit_events|audit_batches|audit_trails|advisory|mailbox_messages|skip locked|due_at" is not null',
    '^update "outbox"|^(select|delete).*"audit_inbox"|^listen|^set ',
  ].join('|'),
)

/** Counts what the server of this process does at PostgreSQL and in its hasher, until `stop`. */
export function watchWork(server: TestServer): {
  during(request: () => Promise<unknown>): Promise<Work>
  stop(): void
} {
  const { passwordHasher } = server.services.domain
  const counted = (['hash', 'verify', 'verifyEither'] as const).map((name) => vi.spyOn(passwordHasher, name))
  const query = vi.spyOn(pg.Client.prototype, 'query')
  const textOf = (first: unknown): string =>
    typeof first === 'string' ? first : ((first as { text?: string } | undefined)?.text ?? '')
  return {
    async during(request) {
      for (const spy of counted) spy.mockClear()
      query.mockClear()
      await request()
      const hashes = counted.reduce((sum, spy) => sum + spy.mock.calls.length, 0)
      const statements = query.mock.calls.map(([first]) => textOf(first).trim().replaceAll(/\s+/g, ' '))
      return { hashes, statements: statements.filter(isOfARequest).map(kindOf).toSorted() }
    },
    stop() {
      query.mockRestore()
      for (const spy of counted) spy.mockRestore()
    },
  }
}

const isOfARequest = (text: string): boolean =>
  text !== '' && !/^(begin|commit|start transaction)/i.test(text) && !background.test(text)

/** `insert users`: its last verb, and the table that this is about. */
function kindOf(text: string): string {
  const table =
    /(?:from|into|update) "?([a-z_]+)"?/.exec(text.replace(/^with .*?(?=insert into "?[a-z_]+"? \()/, ''))?.[1] ?? text
  const verb = /^(?:with .*?)?(select|insert|update|delete)/.exec(text)?.[1] ?? text
  return `${verb} ${counterparts[table] ?? table}`
}
