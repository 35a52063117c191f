import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { haveAccount } from '../support/accounts.ts'
import { launchChromium } from '../support/chromium.ts'
import type { TestBrowser } from '../support/chromium.ts'
import { axeComplaints } from '../support/page-audit.ts'
import { peopleAt } from '../support/person.ts'
import type { People, Person } from '../support/person.ts'
import { plainAppHeading, startPlainApp } from '../support/plain-app.ts'
import type { PlainApp } from '../support/plain-app.ts'
import { authorizationRequest } from '../support/relying-party.ts'
import { startServer } from '../support/server.ts'
import type { TestServer } from '../support/server.ts'

/* An app of somebody else asks people of this server for access, in a real browser. */

const password = 'Analytical-1843'
const heading = 'Allow access to your account?'

const configurationWith = (callback: string): string =>
  JSON.stringify({
    UserPools: [
      {
        PoolName: 'people',
        UsernameAttributes: ['email'],
        ResourceServers: [
          {
            Identifier: 'https://pictures.example.com',
            Name: 'Pictures',
            Scopes: [{ ScopeName: 'print', ScopeDescription: 'Order prints of your pictures' }],
          },
        ],
        Clients: [
          {
            ClientId: 'prints',
            ClientName: 'Photo Printing & More',
            ThirdParty: true,
            CallbackURLs: [callback],
            AllowedOAuthScopes: ['openid', 'email', 'profile', 'https://pictures.example.com/print'],
          },
        ],
      },
    ],
  })

let app: PlainApp
let callback: string
let chromium: TestBrowser
let server: TestServer
let people: People
beforeAll(async () => {
  app = await startPlainApp()
  callback = `${app.origin}/callback`
  const configuration = configurationWith(callback)
  ;[chromium, server] = await Promise.all([launchChromium(), startServer({ configuration })])
  people = peopleAt(chromium, server)
})
afterEach(async () => {
  expect(await people.leave()).toEqual([])
})
afterAll(async () => {
  await Promise.all([chromium.close(), server.stop()])
  await app.stop()
})

/** Somebody with an account. */
async function joins(email: string, options?: Parameters<People['join']>[1]): Promise<Person> {
  await haveAccount(server, { username: email, password })
  return people.join({ email, password }, options)
}

const start = (scope = 'openid email', more: Record<string, string> = {}): string => {
  const parameters = { client_id: 'prints', redirect_uri: callback, scope, ...more }
  return authorizationRequest('', parameters).url
}

async function answerAt(person: Person): Promise<URLSearchParams> {
  await person.isAt(plainAppHeading)
  return new URL(person.page.url()).searchParams
}

describe.each([true, false])('with JavaScript: %s', (javaScriptEnabled) => {
  const kind = javaScriptEnabled ? 'script' : 'plain'

  test('an app is allowed what it asks for, and asks no more', async () => {
    const ada = await joins(`ada-${kind}@example.com`, { javaScriptEnabled })
    await ada.opens(start())
    await ada.signsIn()
    await ada.isAt(heading)
    await ada.reads('Photo Printing & More')
    await ada.reads(ada.account.email)
    await ada.reads('see your email address')
    await ada.reads(new URL(callback).host)
    await ada.page.reload()
    await ada.presses('Allow')
    expect((await answerAt(ada)).get('code')).toEqual(expect.any(String))

    await ada.opens(start())
    expect((await answerAt(ada)).get('code')).toEqual(expect.any(String))

    await ada.opens(start('openid https://pictures.example.com/print'))
    await ada.isAt(heading)
    await ada.reads('Order prints of your pictures')
    await ada.reads('You have allowed this before.')
    await ada.presses('Don’t allow')
    expect((await answerAt(ada)).get('error')).toBe('access_denied')
  })

  test('somebody else is at the browser', async () => {
    const bob = await joins(`bob-${kind}@example.com`, { javaScriptEnabled })
    await haveAccount(server, { username: `carol-${kind}@example.com`, password })
    await bob.opens(start())
    await bob.signsIn()
    await bob.isAt(heading)
    await bob.follows('Use another account')
    await bob.isAt('Sign in')
    await bob.types('Email address', `carol-${kind}@example.com`)
    await bob.types('Password', password)
    await bob.presses('Sign in')
    await bob.isAt(heading)
    await bob.reads(`carol-${kind}@example.com`)
    await bob.presses('Don’t allow')
    expect((await answerAt(bob)).get('error')).toBe('access_denied')
  })
})

const focused = (page: Page): Promise<string> =>
  page.evaluate(`(() => {
    const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement)
    const shown = outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2
    return shown ? document.activeElement.textContent.trim() : ''
  })()`)

test('with the keyboard alone, in the order of reading; neither answer is given by accident', async () => {
  const dora = await joins('dora@example.com')
  await dora.opens(start())
  await dora.signsIn()
  await dora.isAt(heading)
  const { page } = dora
  await page.keyboard.press('Enter')
  await dora.isAt(heading)
  const order: string[] = []
  for (let presses = 0; presses < 3; presses += 1) {
    await page.keyboard.press('Tab')
    order.push(await focused(page))
  }
  expect(order).toEqual(['Use another account', 'Don’t allow', 'Allow'])
  await page.keyboard.press('Enter')
  expect((await answerAt(dora)).get('code')).toEqual(expect.any(String))
})

test('both answers weigh the same', async () => {
  const edith = await joins('edith@example.com')
  await edith.opens(start())
  await edith.signsIn()
  await edith.isAt(heading)
  const looks = await edith.page.evaluate(`[...document.querySelectorAll('.choices button')].map((button) => {
    const { color, backgroundColor, borderColor, fontSize, fontWeight } = getComputedStyle(button)
    const { width, height } = button.getBoundingClientRect()
    return JSON.stringify([color, backgroundColor, borderColor, fontSize, fontWeight, Math.round(width), height])
  })`)
  expect(new Set(looks as string[]).size).toBe(1)
})

test.each([
  ['en', heading],
  ['de', 'Zugriff auf Ihr Konto erlauben?'],
  ['ar', 'هل تسمح بالوصول إلى حسابك؟'],
])('axe finds nothing in %s, in light and dark', async (lang, title) => {
  const frida = await joins(`frida-${lang}@example.com`)
  await frida.opens(start('openid email profile https://pictures.example.com/print'))
  await frida.signsIn()
  await frida.isAt(heading)
  await frida.page.goto(`${frida.page.url()}&lang=${lang}`)
  await frida.isAt(title)
  expect(await axeComplaints(frida.page, 'light')).toEqual([])
  expect(await axeComplaints(frida.page, 'dark')).toEqual([])
})

test('the page cannot be framed', async () => {
  const grace = await joins('grace@example.com')
  await grace.opens(start())
  await grace.signsIn()
  await grace.isAt(heading)
  const response = await grace.page.reload()
  expect(response?.headers()).toMatchObject({
    'x-frame-options': 'DENY',
    'content-security-policy': expect.stringContaining("frame-ancestors 'none'"),
  })
})
