import { expect, test, vi } from 'vitest'
import { createDemoSessions } from '../../src/demo/demo-session.ts'
import { isPlainLoopback, type RelyingParty } from '../../src/demo/relying-party.ts'
import { systemClock } from '../../src/platform/clock.ts'
import { systemRandom } from '../../src/platform/random.ts'
import { startDemo } from './demo-browser.ts'
import { startStandInServer } from './stand-in-server.ts'

test('a server that is away is named, and asked again when it is back', async () => {
  await using server = await startStandInServer()
  let issuer = 'http://127.0.0.1:9/pool'
  await using site = await startDemo({ issuer: () => issuer })
  const browser = site.open()
  const answer = await browser.get('/demo/sign-in')
  expect(answer.status).toBe(502)
  expect(answer.page).toMatchObject({ view: 'pages/demo-home', alert: { kind: 'error' } })
  expect(answer.page.alert!.text).toMatch(/^demo\.texts\.unreachable /)
  issuer = server.issuer
  expect((await browser.signIn()).view).toBe('pages/demo-tokens')
})

test('a server that is away cannot keep anyone signed in', async () => {
  await using server = await startStandInServer()
  let issuer = server.issuer
  await using site = await startDemo({ issuer: () => issuer })
  const browser = site.open()
  const { csrf } = (await browser.signIn()).actions!.signOut
  issuer = 'http://127.0.0.1:9/pool'
  expect((await browser.get('/demo')).page.alert!.text).toMatch(/^demo\.texts\.unreachable /)
  const answer = await browser.post('/demo/sign-out', { _csrf: csrf })
  expect(answer.page).toMatchObject({ view: 'pages/demo-home', alert: { text: 'demo.texts.signedOutHere' } })
  expect((await browser.get('/demo')).page.view).toBe('pages/demo-home')
})

test('plain http is spoken on this machine only', async () => {
  const internalFetch = vi.fn<typeof fetch>()
  await using site = await startDemo({ issuer: () => 'http://id.example.com/pool', internalFetch })
  const answer = await site.open().get('/demo/sign-in')
  expect(answer.page.alert!.text).toMatch(/^demo\.texts\.untrusted .*HTTPS/)
  expect(internalFetch).not.toHaveBeenCalled()

  const plain = (url: string) => isPlainLoopback(new URL(url))
  expect(['http://localhost:3000', 'http://127.0.0.1', 'http://[::1]:3', 'http://a.localhost'].every(plain)).toBe(true)
  expect(['https://localhost', 'http://127.0.0.1.example.com', 'http://localhost.example.com'].some(plain)).toBe(false)
})

test('behind a TLS front the cookie is Secure, and the server is reached by the fetch that was given', async () => {
  await using server = await startStandInServer()
  const issuer = 'https://id.example.com/pool'
  const internalFetch: typeof fetch = async (address, init) => {
    const url = address instanceof Request ? address.url : address.toString()
    const response = await fetch(url.replace(issuer, server.issuer), init)
    return new Response((await response.text()).replaceAll(server.issuer, issuer), response)
  }
  await using site = await startDemo({ issuer: () => issuer, origin: 'https://id.example.com', internalFetch })
  const started = await site.open().get('/demo/sign-in')
  expect(started.headers.getSetCookie()).toEqual([expect.stringMatching(/; Secure$/)])
  const url = new URL(started.location)
  expect(url.origin).toBe('https://id.example.com')
  expect(url.searchParams.get('redirect_uri')).toBe('https://id.example.com/demo/callback')
})

test('sessions and sign-ins under way are bounded, the oldest go first', () => {
  const sessions = createDemoSessions({ random: systemRandom, clock: systemClock })
  const [first, second] = [sessions.create(), sessions.create()]
  for (let made = 2; made < 1000; made++) sessions.create()
  expect(sessions.find(first.handle)).toBe(first.session)
  sessions.create()
  expect(sessions.find(first.handle)).toBe(first.session)
  expect(sessions.find(second.handle)).toBeUndefined()

  const { pending } = first.session
  for (let tab = 0; tab < 11; tab++) pending.add({ state: `s${tab}`, nonce: '', codeVerifier: '' }, {} as RelyingParty)
  expect(pending.take('s0')).toBeUndefined()
  expect(pending.take('s1')).toBeDefined()
})
