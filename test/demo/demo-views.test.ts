import { expect, test } from 'vitest'
import { loadMessageCatalogue } from '../../src/platform/views/message-catalogue.ts'
import { createViewEngine } from '../../src/platform/views/view-engine.ts'
import { startDemo } from './demo-browser.ts'
import { startStandInServer } from './stand-in-server.ts'

test('hostile names and errors are text on the pages, and the pages say everything in words', async () => {
  await using server = await startStandInServer()
  const catalogue = loadMessageCatalogue('views/messages')
  await using site = await startDemo({ issuer: () => server.issuer, views: createViewEngine('views'), catalogue })
  const words = (key: string) => catalogue.locale(['en']).text(`demo.texts.${key}`)
  const browser = site.open()
  const home = await browser.get('/demo')
  expect(home.headers.get('content-type')).toBe('text/html; charset=utf-8')
  for (const key of ['home', 'otherSignIn']) expect(home.text).toContain(words(key))

  server.behaviour.authorizationError = { error: 'access_denied', error_description: '<script>alert(1)</script>' }
  await browser.get(await browser.comeBack())
  const refused = await browser.get('/demo')
  expect(refused.text).toContain('&lt;script&gt;alert(1)&lt;/script&gt;')
  expect(refused.text).not.toContain('<script>alert')

  server.behaviour.authorizationError = undefined
  await browser.get(await browser.comeBack())
  const tokens = await browser.get('/demo')
  expect(tokens.text).toContain('Ada &lt;b&gt;')
  expect(tokens.text).not.toContain('Ada <b>')
  for (const key of ['accessToken', 'idToken', 'refreshToken', 'expiryUnknown']) {
    expect(tokens.text).toContain(words(key))
  }

  const csrf = /name="_csrf" value="([\w-]{43})"/.exec(tokens.text)![1]!
  await browser.post('/demo/refresh', { _csrf: csrf })
  expect((await browser.get('/demo')).text).toContain(words('refreshed'))
  server.behaviour.refuseUserInfo = true
  expect((await browser.get('/demo')).text).toContain('Access token revoked')
  expect((await browser.post('/demo/refresh', {})).text).toContain(words('formExpired'))
  site.passTime(24 * 60 * 60)
  expect((await browser.get('/demo')).text).toContain(words('sessionExpired'))
  expect((await browser.get('/demo/callback')).text).toContain(words('unknownSignIn'))
})

test('every message of the demo can be said in every language', () => {
  const values = { reason: 'r', error: 'e', description: 'd', duration: '1 h' }
  for (const locale of loadMessageCatalogue('views/messages').languages) {
    expect(Object.keys(locale.section('demo.texts', values)).sort()).toEqual([
      'accessToken',
      'expired',
      'expiresIn',
      'expiryUnknown',
      'formExpired',
      'home',
      'idToken',
      'otherSignIn',
      'refreshToken',
      'refreshed',
      'refused',
      'refusedBecause',
      'sessionExpired',
      'signedOutHere',
      'unknownSignIn',
      'unreachable',
      'untrusted',
    ])
  }
})
