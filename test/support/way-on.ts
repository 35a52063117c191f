import { load } from 'cheerio'
import { expect } from 'vitest'
import type { TestServer } from './server.ts'
import type { UserAgent, VisitedPage } from './user-agent.ts'
import { goodPassword, visitorOf } from './visitor.ts'
import type { PoolName } from './visitor.ts'

/** Where the apps of the test configuration are at home. */
const appHome = 'https://app.example/'

/** Where the page's button leads. */
export function targetOf(page: VisitedPage, button: string): string | undefined {
  const link = load(page.html)('main a.button')
  expect(link.text()).toBe(button)
  return link.attr('href')
}

/**
 * Follows the button of a page that could not go on, and signs in wherever it is asked for. At its own home the app begins
 * a sign-in, as apps do.
 */
export async function followsOn(
  server: TestServer,
  browser: UserAgent,
  page: VisitedPage,
  button: string,
  options: { username: string; pool?: PoolName },
): Promise<VisitedPage> {
  const { username, pool } = options
  const target = targetOf(page, button)
  const next =
    target === appHome ? (await visitorOf(server, pool, { browser })).login : await browser.visit(target ?? '/nowhere')
  return next.heading === 'Sign in' ? next.submit({ username, password: goodPassword }) : next
}
