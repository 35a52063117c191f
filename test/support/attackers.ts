import type { Environment } from '../../src/platform/config/environment.ts'
import type { TestServer } from './server.ts'
import { createUserAgent } from './user-agent.ts'
import type { VisitedPage } from './user-agent.ts'
import { visitorOf } from './visitor.ts'
import type { PoolName, Visitor } from './visitor.ts'

/** Lets visitors of a test come from addresses of their own, as behind a proxy. */
export const behindProxy: Partial<Environment> = { trustedProxies: ['127.0.0.1', '::1'] }

export const headersOf = (address: string): Record<string, string> => ({ 'x-forwarded-for': address })

/** A browser that has never been here, at the sign-in page. */
export const strangerFrom = (server: TestServer, address = '203.0.113.7', pool: PoolName = 'email'): Promise<Visitor> =>
  visitorOf(server, pool, { browser: createUserAgent(server.publicUrl, headersOf(address)) })

/** What an answer says of a guess: right, wrong, locked, or what else it is. */
export function verdictOf(page: VisitedPage): string {
  if (page.status === 0) return 'right'
  if (/Password attempts exceeded|Attempt limit exceeded/.test(page.text)) {
    return page.status === 429 && page.headers.has('retry-after') ? 'locked' : `locked with ${page.status}`
  }
  const wrong = /Incorrect username or password|Invalid verification code provided|This isn’t the password/.test(
    page.text,
  )
  return wrong && page.status === 200 ? 'wrong' : `${page.status} ${page.heading}`
}

/** Posts the same form again and again with other guesses. @returns the verdicts */
export async function guesses(
  page: VisitedPage,
  times: number,
  typed: (index: number) => Record<string, string>,
): Promise<readonly string[]> {
  const verdicts: string[] = []
  for (let index = 0; index < times; index += 1) verdicts.push(verdictOf(await page.submit(typed(index))))
  return verdicts
}

export const times = <Value>(count: number, value: Value): Value[] => Array<Value>(count).fill(value)
