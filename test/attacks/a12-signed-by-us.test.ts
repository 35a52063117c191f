import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeLinkCode } from '../../src/domain/verification-codes/confirmation-link.ts'
import { systemRandom } from '../../src/platform/random.ts'
import { cookieName } from '../../src/security/cookies.ts'
import { createSealedBox } from '../../src/security/sealed-box.ts'
import { haveAccount } from '../support/accounts.ts'
import { linkFor } from '../support/confirmation-links.ts'
import { requestTokens } from '../support/relying-party.ts'
import { startServer } from '../support/server.ts'
import type { TestServer } from '../support/server.ts'
import { settledMail } from '../support/settled-mail.ts'
import type { VisitedPage } from '../support/user-agent.ts'
import { callback, goodPassword, visitorAt, whereItIs } from '../support/visitor.ts'
import type { Visitor } from '../support/visitor.ts'

/*
 * Threat row A12: better-auth signed whatever state a caller sent; an OAuth proxy's encrypted profile could be forged with a
 * key that was shared among its uses. Whatever we have made for one use is brought to every other one, to another pool,
 * client, user and browser. Guards src/security/sealed-box.ts (a key a purpose), src/security/csrf.ts,
 * src/domain/verification-codes/confirmation-link.ts and the flow's binding in src/oidc/interaction.ts.
 */

const poolIds = ['eu-west-1_left', 'eu-west-1_right'] as const
const secret = 'a-secret-of-the-backend'
const configuration = JSON.stringify({
  UserPools: poolIds.map((Id, index) => ({
    ...{ Id, PoolName: Id, Default: index === 0, UsernameAttributes: ['email'], AutoVerifiedAttributes: ['email'] },
    VerificationMessageTemplate: { DefaultEmailOption: 'CONFIRM_WITH_LINK' },
    Clients: [
      { ClientId: 'web' },
      { ClientId: 'other' },
      { ClientId: 'partner', ThirdParty: true },
      { ClientId: 'backend', ClientSecret: secret },
    ].map((client) => ({ ...client, CallbackURLs: [callback], AllowedOAuthScopes: ['openid', 'email'] })),
  })),
})

let server: TestServer
beforeAll(async () => {
  server = await startServer({ configuration })
})
afterAll(() => server.stop())

const at = (clientId = 'web', browser?: Visitor, parameters: Record<string, string> = {}): Promise<Visitor> =>
  visitorAt(server.publicUrl, clientId, { ...(browser === undefined ? {} : { browser }), parameters })
const isApp = (page: VisitedPage): boolean => whereItIs(page) === 'the app'

interface SignUp {
  visitor: Visitor
  link: URL
  code: string
}
async function signsUp(username: string, clientId = 'web', base = server.publicUrl): Promise<SignUp> {
  const visitor = await visitorAt(base, clientId)
  const known = await settledMail(server)
  await (await visitor.login.follow('Create an account')).submit({ username, password: goodPassword })
  const link = new URL(await linkFor(server, username, known))
  return { visitor, link, code: link.searchParams.get('confirmation_code') ?? '' }
}

describe('what we have made for one use', () => {
  /** One browser with everything at once: signed in, a consent page open, another sign-in begun, a link sent to it. */
  async function everything() {
    const account = { username: `rich-${systemRandom.text(6, 'abcdef')}@example.com`, password: goodPassword }
    await haveAccount(server, account)
    const { visitor, link, code: linkCode } = await signsUp(`link-${account.username}`)
    const waiting = await at('web', visitor, { prompt: 'login' })
    const app = await waiting.login.submit(account)
    const { refresh_token = '' } = (await waiting.tokensFrom(app)).body
    const unspent = await at('web', visitor)
    const open = await at('web', visitor, { prompt: 'login' })
    const consent = await at('partner', visitor)
    const linkPage = await visitor.visit(link.href)
    const cookie = (kind: 'session' | 'browser' | 'resume') =>
      visitor.cookies.get(cookieName(kind, poolIds[0], false)) ?? ''
    const made = {
      'a form’s csrf token': open.login.field('_csrf') ?? '',
      'a link’s csrf token': linkPage.field('_csrf') ?? '',
      'a flow’s id': open.login.field('flow') ?? '',
      'what stands for a consent': consent.login.field('shown') ?? '',
      'the browser’s handle': cookie('browser'),
      'the session’s handle': cookie('session'),
      'a request’s uid': cookie('resume'),
      'a link’s code': linkCode,
      'a link’s secret, twice': linkCode.slice(0, 22).repeat(2),
      'a link’s signature, twice': linkCode.slice(22).repeat(2),
      'an authorization code': unspent.login.url.searchParams.get('code') ?? '',
      'a refresh token': refresh_token,
      'a client’s secret': secret,
    }
    return { account, visitor, link, consent, open, unspent, made }
  }
  type Everything = Awaited<ReturnType<typeof everything>>

  const web = { client_id: 'web', redirect_uri: callback }
  const form = (scene: Everything, fields: Record<string, string>): URLSearchParams =>
    new URLSearchParams({
      ...{ _csrf: scene.made['a form’s csrf token'], flow: scene.made['a flow’s id'], ...scene.account, ...fields },
    })
  const posts = ({ visitor }: Everything, path: string, body: URLSearchParams): Promise<VisitedPage> =>
    visitor.visit(`${visitor.base}${path}`, { method: 'POST', body })
  /** A browser that has nothing but this. */
  async function withCookies(cookies: Record<string, string>): Promise<Visitor> {
    const stranger = await at()
    stranger.cookies.clear()
    for (const [kind, value] of Object.entries(cookies)) {
      stranger.cookies.set(cookieName(kind as 'session', poolIds[0], false), value)
    }
    return stranger
  }

  /** Every place where one of them is taken, for what it is meant, and whether it has opened anything. */
  const places: [string, keyof Everything['made'], (scene: Everything, value: string) => Promise<boolean>][] = [
    [
      'as the csrf token of a form',
      'a form’s csrf token',
      async (scene, value) =>
        (await posts(scene, '/login', form(scene, { _csrf: value, password: 'x' }))).status === 200,
    ],
    [
      'as the csrf token of a link',
      'a link’s csrf token',
      async (scene, value) => {
        const body = new URLSearchParams([...scene.link.searchParams, ['_csrf', value], ['password', '']])
        return (await posts(scene, '/confirmUser', body)).status === 200
      },
    ],
    [
      'as a flow’s id',
      'a flow’s id',
      async ({ visitor }, value) =>
        (await visitor.visit(`/login?${new URLSearchParams({ client_id: 'web', flow: value }).toString()}`)).status ===
        200,
    ],
    [
      'as the browser’s handle',
      'the browser’s handle',
      async (scene, value) => {
        const stranger = await withCookies({ browser: value })
        return (await stranger.visit(`/login?flow=${scene.made['a flow’s id']}`)).heading === 'Sign in'
      },
    ],
    [
      'as a session’s handle',
      'the session’s handle',
      async (_scene, value) =>
        isApp(await (await withCookies({ session: value })).visit((await at()).authorization.url)),
    ],
    [
      'as a request’s uid',
      'a request’s uid',
      async ({ visitor }, value) => {
        visitor.cookies.set(cookieName('resume', poolIds[0], false), value)
        const page = await visitor.visit(`/oauth2/authorize/${value}`)
        // Not finished, it leads back to its own page.
        return page.heading === 'Allow access to your account?'
      },
    ],
    [
      'as a link’s code',
      'a link’s code',
      async ({ visitor, link }, value) => {
        const address = new URL(link)
        address.searchParams.set('confirmation_code', value)
        return (await visitor.visit(address.href)).heading === 'Confirm your account'
      },
    ],
    [
      'as a consent',
      'what stands for a consent',
      async ({ consent }, value) => isApp(await consent.login.submit({ answer: 'allow', shown: value })),
    ],
    [
      'as an authorization code',
      'an authorization code',
      async ({ unspent }, value) => {
        const code_verifier = unspent.authorization.codeVerifier
        const fields = { grant_type: 'authorization_code', code: value, code_verifier, ...web }
        return (await requestTokens(server.publicUrl, fields)).status === 200
      },
    ],
    [
      'as a refresh token',
      'a refresh token',
      async (_scene, value) => {
        const fields = { grant_type: 'refresh_token', refresh_token: value, client_id: 'web' }
        return (await requestTokens(server.publicUrl, fields)).status === 200
      },
    ],
  ]

  test.each(places)('opens nothing %s, unless it is that', async (_place, own, opens) => {
    const scene = await everything()
    for (const [what, value] of Object.entries(scene.made)) {
      expect([what, value]).toEqual([what, expect.stringMatching(/^[\w-]{20,}$/)])
      if (what !== own) expect([what, await opens(scene, value)]).toEqual([what, false])
    }
    expect(await opens(scene, scene.made[own])).toBe(true)
  })
})

describe('a link', () => {
  test('is for its own pool, client and user, and for them together', async () => {
    const right = `${server.publicUrl}/${poolIds[1]}`
    const links = [
      await signsUp('here@example.com'),
      await signsUp('there@example.com'),
      await signsUp('app@example.com', 'other'),
      await signsUp('here@example.com', 'web', right),
    ]
    const { visit } = await at()
    for (const one of links) {
      for (const two of links) {
        const address = new URL(one.link)
        const codes = [two.code, one.code.slice(0, 22) + two.code.slice(22), two.code.slice(0, 22) + one.code.slice(22)]
        for (const code of codes) {
          address.searchParams.set('confirmation_code', code)
          const page = await visit(address.href)
          expect(page.heading).toBe(one === two ? 'Confirm your account' : 'This link isn’t complete')
        }
        if (one === two) continue
        // The whole of one link at the place of the other.
        const elsewhere = new URL(one.link)
        elsewhere.pathname = two.link.pathname
        const same = one.link.pathname === two.link.pathname
        expect((await visit(elsewhere.href)).heading).toBe(same ? 'Confirm your account' : 'This link isn’t complete')
      }
    }
  })

  test('with another app’s client_id, and nothing else changed, is none', async () => {
    const { link } = await signsUp('client@example.com')
    const { visit } = await at()
    for (const clientId of ['other', 'partner', 'backend', 'WEB', 'web ', 'web\0', 'nobody', '']) {
      const changed = new URL(link)
      changed.searchParams.set('client_id', clientId)
      const page = await visit(changed.href)
      expect([clientId, page.status, page.heading]).toEqual([clientId, 400, 'This link isn’t complete'])
      // Nor is it one for a form with the right token, which any page of such a link gives.
      const token = (await visit(link.href)).field('_csrf') ?? ''
      const body = new URLSearchParams([...changed.searchParams, ['_csrf', token], ['password', goodPassword]])
      const posted = await visit(`${server.publicUrl}/confirmUser`, { method: 'POST', body })
      expect([clientId, posted.status >= 400]).toEqual([clientId, true])
    }
    expect((await visit(link.href)).heading).toBe('Confirm your account')
  })

  test('signed by another server, or by one of the secrets that everybody knows, is none', async () => {
    const { link } = await signsUp('forged@example.com')
    const username = link.searchParams.get('user_name') ?? ''
    const { visit } = await at()
    for (const other of ['', 'secret', 'changeme', 'x'.repeat(32), '0'.repeat(64), 'latchkey', 'LATCHKEY_SECRET']) {
      const services = { sealedBox: createSealedBox(other, systemRandom), random: systemRandom }
      const code = makeLinkCode(services, { userPoolId: poolIds[0], clientId: 'web', username })
      link.searchParams.set('confirmation_code', code)
      expect([other, (await visit(link.href)).heading]).toEqual([other, 'This link isn’t complete'])
    }
  })

  test('of a browser that is another one’s by its handle alone signs nobody in', async () => {
    const { link, visitor } = await signsUp('browser@example.com')
    const stranger = await at()
    const page = await stranger.visit(link.href)
    expect(page.html).toContain('name="password"')
    const bare = new URLSearchParams([...link.searchParams, ['_csrf', page.field('_csrf') ?? '']])
    const refused = await stranger.visit('/confirmUser', { method: 'POST', body: bare })
    expect(refused.html).toContain('name="password"')
    expect(isApp(await (await visitor.visit(link.href)).submit({}))).toBe(true)
  })
})

describe('what is sealed in the database', () => {
  const columns = [
    ['signing_keys', 'sealed_private_key', 'signing key'],
    ['app_client_secrets', 'sealed_secret', 'client secret'],
    ['flows', 'sealed_interaction_uid', 'interaction uid'],
    ['verification_codes', 'sealed_flow_id', 'flow of a confirmation link'],
    ['mailbox_messages', 'sealed_message', 'dev-mailbox'],
  ] as const

  async function sealedTexts(): Promise<{ text: string; purpose: string }[]> {
    const { kysely } = server.services.database
    const rows = await Promise.all(
      columns.map(async ([table, column, purpose]) => {
        const found = await kysely
          .selectFrom(table as 'flows')
          .select(column as 'sealed_interaction_uid')
          .execute()
        return found.flatMap((row) => {
          const text = (row as unknown as Record<string, string | null>)[column]
          return typeof text === 'string' ? [{ text, purpose }] : []
        })
      }),
    )
    return rows.flat()
  }

  /** Every purpose that the sources name, of sealing and of signing. */
  async function purposes(): Promise<readonly string[]> {
    const src = join(import.meta.dirname, '..', '..', 'src')
    const files = (await readdir(src, { recursive: true })).filter((name) => name.endsWith('.ts'))
    const texts = await Promise.all(files.map((name) => readFile(join(src, name), 'utf8')))
    const named = texts.flatMap((text) => [
      ...text.matchAll(/[Pp]urpose = '([^']+)'/g),
      ...text.matchAll(/\.(?:digest|seal)\([^;]*?, '([^']+)'\)/gs),
    ])
    return [...new Set(named.map((match) => match[1] ?? ''))]
  }

  test('opens for its own purpose alone', async () => {
    await signsUp('sealed@example.com')
    const [texts, names] = [await sealedTexts(), await purposes()]
    expect(names.length).toBeGreaterThanOrEqual(11)
    for (const [, , purpose] of columns) {
      expect(names).toContain(purpose)
      expect([purpose, texts.some((sealed) => sealed.purpose === purpose)]).toEqual([purpose, true])
    }
    const { sealedBox } = server.services.domain
    const foreign = createSealedBox('a secret of another installation', systemRandom)
    for (const { text, purpose } of texts) {
      expect(sealedBox.open(text, purpose)).toBeTruthy()
      expect(() => foreign.open(text, purpose)).toThrow()
      for (const other of [...names, '', `seal ${purpose}`]) {
        if (other !== purpose) expect(() => sealedBox.open(text, other), `${purpose} as ${other}`).toThrow()
      }
    }
  })

  test('a keyed digest says nothing for another purpose', async () => {
    const { sealedBox } = server.services.domain
    const names = await purposes()
    const digests = names.map((purpose) => sealedBox.digest('the same text', purpose))
    expect(new Set(digests).size).toBe(names.length)
  })

  test('moved to another place signs nobody in', async () => {
    const account = { username: 'moved@example.com', password: goodPassword }
    await haveAccount(server, account)
    await signsUp('mover@example.com')
    const { kysely } = server.services.database
    const [row] = await kysely.selectFrom('verification_codes').select('sealed_flow_id').execute()
    const { login } = await at()
    const sealed_interaction_uid = row?.sealed_flow_id ?? ''
    await kysely.updateTable('flows').set({ sealed_interaction_uid }).execute()
    const page = await login.submit(account)
    expect([page.status, isApp(page)]).toEqual([500, false])
  })
})
