import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cookieName } from '../../src/security/cookies.ts'
import {
  callback,
  codeForm,
  configurationOf,
  createBrowser,
  password,
  poolId,
  refresh,
  secret,
  startPool,
} from '../conformance/pool.ts'
import type { Browser, ConformancePool } from '../conformance/pool.ts'
import { linkFor } from '../support/confirmation-links.ts'
import { authorizationRequest, requestTokens } from '../support/relying-party.ts'
import { createUserAgent } from '../support/user-agent.ts'

/*
 * Threat row C8: ZITADEL took an opaque token that was cut short. Every handle that we give out, cut at either end at every
 * place, with every letter changed by one, in the other case, doubled and dressed up: none is taken, and the handle itself
 * works afterwards. Guards the look-up by SHA-256 of the whole value (src/security/digest.ts, src/persistence), the
 * constant-time comparisons of src/security/csrf.ts, src/domain/app-clients/client-secrets.ts and
 * src/domain/verification-codes/confirmation-link.ts, and the form of the browser's handle in src/oidc/interaction.ts.
 */

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const next = (letter: string): string => alphabet[(alphabet.indexOf(letter) + 1) % alphabet.length] ?? 'A'
const otherCase = (letter: string): string =>
  letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase()

function mutations(handle: string): readonly string[] {
  const places = Array.from({ length: handle.length }, (_, index) => index)
  const at = (index: number, text: string): string => handle.slice(0, index) + text + handle.slice(index + 1)
  return [
    ...places.map((index) => handle.slice(0, index)),
    ...places.slice(1).map((index) => handle.slice(index)),
    ...places.map((index) => at(index, next(handle.charAt(index)))),
    ...places.map((index) => at(index, otherCase(handle.charAt(index)))),
    ...places
      .filter((index) => index % 7 === 0)
      .flatMap((index) => [at(index, ''), at(index, `${handle.charAt(index)}A`)]),
    ...[
      `${handle}A`,
      `A${handle}`,
      handle.repeat(2),
      Array.from(handle).reverse().join(''),
      `${handle}=`,
      `${handle}.`,
    ],
    ...[handle.toLowerCase(), handle.toUpperCase(), handle.replaceAll('-', '+').replaceAll('_', '/'), `${handle}%00`],
    ...[encodeURIComponent(handle.charAt(0) + '\0'), `%${handle.charCodeAt(0).toString(16)}${handle.slice(1)}`],
    ...[handle.slice(0, 42) + handle.slice(-1), `${handle},${handle}`, '*', '%', '_'.repeat(handle.length)],
  ].filter((mutation, index, all) => mutation !== handle && all.indexOf(mutation) === index)
}

/** What a form carries and a cookie cannot. */
const dressed = (handle: string): readonly string[] => [
  ...[
    ` ${handle}`,
    `${handle} `,
    `\t${handle}`,
    `${handle}\n`,
    `${handle}\0`,
    `\0${handle}`,
    `"${handle}"`,
    `${handle};x`,
    `${handle}\u200B`,
  ],
  ...[`\uFEFF${handle}`, handle.replace(/[a-z]/, (letter) => String.fromCodePoint(0xfee0 + letter.charCodeAt(0)))],
]

const links = {
  UsernameAttributes: ['email'],
  AutoVerifiedAttributes: ['email'],
  VerificationMessageTemplate: { DefaultEmailOption: 'CONFIRM_WITH_LINK' },
  Users: [{ Username: 'ana@example.org', Password: password, Attributes: { email_verified: true } }],
}
const ana = { username: 'ana@example.org' }

let pool: ConformancePool
let browser: Browser
beforeAll(async () => {
  pool = await startPool({ configuration: configurationOf({ pool: links }) })
  browser = createBrowser(pool.base, ana)
  await browser.authorize()
})
afterAll(() => pool.stop())

const request = (more: Record<string, string> = {}) =>
  authorizationRequest(pool.base, { client_id: 'app', redirect_uri: callback, ...more })
const cookie = (kind: 'session' | 'browser' | 'resume', from: Browser = browser): string =>
  from.agent.cookies.get(cookieName(kind, poolId, false)) ?? ''
/** One request of a browser that has these cookies and no others; what it has got by it is thrown away. */
const withCookie = async (kind: 'session' | 'browser' | 'resume', value: string, path: string) => {
  const agent = createUserAgent(pool.base)
  agent.cookies.set(cookieName(kind, poolId, false), value)
  return agent.visit(path)
}

interface Handle {
  value: string
  works(value: string): Promise<boolean>
  /** It travels where any text does. */
  inForm: boolean
}
const handles: Record<string, () => Promise<Handle>> = {
  'an authorization code': async () => {
    const { answer, request: asked } = await browser.authorize()
    const form = codeForm(answer, asked)
    const works = async (code: string) => (await requestTokens(pool.base, { ...form, code })).status === 200
    return { value: form['code'] ?? '', works, inForm: true }
  },
  'a refresh token': async () => {
    const { refreshToken } = await browser.signIn()
    return {
      value: refreshToken,
      works: async (value) => (await refresh(pool.base, value)).status === 200,
      inForm: true,
    }
  },
  'a rotating refresh token': async () => {
    const { refreshToken } = await browser.signIn({ client_id: 'rotating' })
    const works = async (value: string) => (await refresh(pool.base, value, { client_id: 'rotating' })).status === 200
    return { value: refreshToken, works, inForm: true }
  },
  'a session’s cookie': () => {
    const { url } = request({ prompt: 'none' })
    const works = async (value: string) => (await withCookie('session', value, url)).url.searchParams.has('code')
    return Promise.resolve({ value: cookie('session'), works, inForm: false })
  },
  'a browser’s cookie': async () => {
    const visitor = createBrowser(pool.base)
    const login = await visitor.agent.visit(request().url)
    const works = async (value: string) => (await withCookie('browser', value, login.url.href)).status === 200
    return { value: cookie('browser', visitor), works, inForm: false }
  },
  'a request’s cookie': async () => {
    const visitor = createBrowser(pool.base)
    await visitor.agent.visit(request().url)
    const uid = cookie('resume', visitor)
    // Nothing is finished, so that the way leads back to the sign-in page of this flow.
    const works = async (value: string) => {
      visitor.agent.cookies.set(cookieName('resume', poolId, false), value)
      return (await visitor.agent.visit(`/oauth2/authorize/${uid}`)).heading === 'Sign in'
    }
    return { value: uid, works, inForm: false }
  },
  'a flow’s id': async () => {
    const { agent } = createBrowser(pool.base)
    const login = await agent.visit(request().url)
    const works = async (flow: string) =>
      (await agent.visit(`/login?${new URLSearchParams({ client_id: 'app', flow }).toString()}`)).heading === 'Sign in'
    return { value: login.field('flow') ?? '', works, inForm: true }
  },
  'a form’s csrf token': async () => {
    const { agent } = createBrowser(pool.base)
    const login = await agent.visit(request().url)
    const works = async (value: string) => {
      const body = new URLSearchParams({ flow: login.field('flow') ?? '', username: 'ana', _csrf: value })
      return (await agent.visit('/login', { method: 'POST', body })).status === 200
    }
    return { value: login.field('_csrf') ?? '', works, inForm: true }
  },
  'a link’s code': async () => {
    const { agent } = createBrowser(pool.base)
    const login = await agent.visit(request().url)
    const email = 'linked@example.org'
    await (await login.follow('Create an account')).submit({ username: email, password })
    const link = new URL(await linkFor(pool, email))
    const works = async (value: string) => {
      link.searchParams.set('confirmation_code', value)
      return (await agent.visit(link.href)).heading === 'Confirm your account'
    }
    return { value: link.searchParams.get('confirmation_code') ?? '', works, inForm: true }
  },
  'a client’s secret': () => {
    const form = { grant_type: 'client_credentials', client_id: 'machine' }
    const works = async (value: string) =>
      (await requestTokens(pool.base, { ...form, client_secret: value })).status === 200
    return Promise.resolve({ value: secret, works, inForm: true })
  },
}

describe.each(Object.entries(handles))('%s', (_what, make) => {
  test('is good as it is, and as nothing else', async () => {
    const { value, works, inForm } = await make()
    expect(value.length).toBeGreaterThanOrEqual(32)
    const tries = [...mutations(value), ...(inForm ? dressed(value) : [])]
    expect(tries.length).toBeGreaterThan(100)
    for (const mutation of tries) expect([mutation, await works(mutation)]).toEqual([mutation, false])
    // So many wrong ones lock the network that sent them, for a minute at most.
    pool.clock.ahead += 61
    expect(await works(value)).toBe(true)
  })
})
