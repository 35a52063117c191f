import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { launchChromium } from '../support/chromium.ts'
import type { TestBrowser } from '../support/chromium.ts'
import { startServer } from '../support/server.ts'
import type { TestServer } from '../support/server.ts'
import { settledMail } from '../support/settled-mail.ts'
import { stepPools, steps } from './support/steps.ts'

/*
 * E12, clickjacking: a page of ours stands unseen in one of the attacker's, and the victim clicks on it. The attacker is on
 * another port of the same host, so that the browser sends every cookie of ours along: nothing but the headers keeps the page
 * out of the frame. A real browser decides. Guards src/security/page-headers.ts; the headers themselves: e12-headers.
 */

const ways = ['iframe', 'object', 'embed'] as const

/** The attacker's page, around whatever it is told to show. */
const attackerPage = (target: string): string => {
  const address = target.replaceAll('&', '&amp;').replaceAll('"', '&quot;')
  return `<!doctype html><html lang="en"><title>Win</title><link rel="icon" href="data:,"><h1>Click here to win</h1>
    <iframe name="iframe" src="${address}" style="opacity:0.01"></iframe>
    <object name="object" type="text/html" data="${address}"></object>
    <embed name="embed" type="text/html" src="${address}">`
}

let server: TestServer
let chromium: TestBrowser
let attacker: Server
let evil: string
beforeAll(async () => {
  attacker = createServer((request, response) => {
    const target = new URL(request.url ?? '', 'http://localhost').searchParams.get('target') ?? 'about:blank'
    response.setHeader('content-type', 'text/html').end(attackerPage(target))
  })
  await new Promise<void>((listening) => attacker.listen(0, '127.0.0.1', listening))
  evil = `http://localhost:${(attacker.address() as AddressInfo).port}`
  ;[server, chromium] = await Promise.all([startServer({ configuration: stepPools() }), launchChromium()])
})
afterAll(async () => {
  await Promise.all([chromium.close(), server.stop()])
  attacker.close()
  attacker.closeAllConnections()
})

/** The headings that a browser with these cookies shows: of the page by itself, and of it in each kind of frame. */
async function shownAt(url: string, cookies: ReadonlyMap<string, string> = new Map()) {
  const context = await chromium.newContext()
  await context.addCookies([...cookies].map(([name, value]) => ({ name, value, url: server.publicUrl })))
  const page = await context.newPage()
  await page.goto(`${evil}/?target=${encodeURIComponent(url)}`)
  expect(await page.locator('h1').textContent()).toBe('Click here to win')
  const framed = await Promise.all(
    ways.map(async (way) => {
      const frame = page.frame({ name: way })
      // What a browser refuses to show is a page of its own making, or no frame at all.
      return frame === null ? [way, ''] : [way, (await frame.locator('h1').allTextContents()).join()]
    }),
  )
  await page.goto(url)
  const alone = await page.locator('h1').first().textContent()
  await context.close()
  return { alone: alone?.trim(), framed: framed.filter(([, heading]) => heading !== '') }
}

test('the attacker’s page can frame what allows it', async () => {
  const { framed } = await shownAt(`${evil}/`)
  expect(framed).toEqual(ways.map((way) => [way, 'Click here to win']))
})

describe('a page with its owner’s cookies is shown in no frame', () => {
  test.each(Object.keys(steps))('%s', async (name) => {
    const step = await steps[name]!(server)
    const { alone, framed } = await shownAt(step.page.url.href, step.agent.cookies)
    expect([alone, framed]).toEqual([step.page.heading, []])
  })
})

test.each([
  ['nowhere', '/nowhere'],
  ['an error', '/login'],
  ['signed out', '/logout?client_id=email'],
  ['a link that is none', '/confirmUser?client_id=email&confirmation_code=1'],
  ['the demo', '/demo'],
  ['the mailbox', '/dev/mail'],
])('nor is any other: %s', async (_name, path) => {
  const { alone, framed } = await shownAt(`${server.publicUrl}${path}`)
  expect(alone).toBeTruthy()
  expect(framed).toEqual([])
})

test('nor is a mail in the mailbox, which stands in a frame of ours alone', async () => {
  const [mail] = await settledMail(server)
  for (const path of [`/dev/mail/${mail?.id}`, `/dev/mail/${mail?.id}/html`]) {
    expect((await shownAt(`${server.publicUrl}${path}`)).framed).toEqual([])
  }
})
