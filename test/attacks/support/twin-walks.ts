import type { MovableClock } from '../../support/movable-clock.ts'
import type { TestServer } from '../../support/server.ts'
import { createUserAgent } from '../../support/user-agent.ts'
import { visitorAt } from '../../support/visitor.ts'
import type { Visitor } from '../../support/visitor.ts'

/*
 * The same walk through the pages, once with a name that has an account and once with one that has none: everything that
 * the browsers of an attacker receive is kept, without what is random in it, so that two walks can be compared.
 */

/** Somebody who wants to know whether a name has an account, with as many browsers as they like. */
export interface Walk {
  name: string
  clock: MovableClock
  /** A new browser, led to the sign-in page by the app. */
  browser(): Promise<Visitor>
  /** Everything received so far: one text an answer. */
  received: string[]
}

/** @param base where the pages of the user pool are, of which `clientId` is a client */
export function startWalk(
  server: TestServer,
  { base, clientId, name, clock }: { base: string; clientId: string; name: string; clock: MovableClock },
): Walk {
  const received: string[] = []
  const observe = async (url: string, response: Response): Promise<void> => {
    received.push(masked(await transcript(url, response), name))
  }
  const browser = (): Promise<Visitor> =>
    visitorAt(base, clientId, { browser: createUserAgent(server.publicUrl, {}, observe) })
  return { name, clock, browser, received }
}

/** Cookies are compared by themselves; the others are the connection's, which are many and come in any order. */
const notTheAnswers: ReadonlySet<string> = new Set(['set-cookie', 'date', 'connection', 'keep-alive'])

async function transcript(url: string, response: Response): Promise<string> {
  const headers = [...response.headers].filter(([header]) => !notTheAnswers.has(header))
  const cookies = response.headers.getSetCookie()
  return [
    url,
    String(response.status),
    ...headers.map(([header, value]) => `${header}: ${value}`),
    ...cookies.map((cookie) => `set-cookie: ${cookie.replace(/=[^;]*/, '=')}`),
    await response.text(),
  ].join('\n')
}

/** Random handles have 43 characters, ids of requests are UUIDs. The names that are compared are equally long. */
const masked = (text: string, name: string): string =>
  text
    .replaceAll(name, 'NAME')
    .replaceAll(encodeURIComponent(name), 'NAME')
    .replaceAll(/nonce(="|-)[\w+/=-]+/g, 'nonce')
    .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'UUID')
    .replaceAll(/(?<=[=":/])[\w-]{43}(?![\w-])/g, 'HANDLE')
    .replaceAll(/(?<=(code|state|code_challenge|nonce)=)[\w-]{8,}/g, 'HANDLE')
