import { load } from 'cheerio'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { authorizationRequest } from '../support/relying-party.ts'
import { startServer } from '../support/server.ts'
import type { TestServer } from '../support/server.ts'
import { createUserAgent } from '../support/user-agent.ts'

const callback = 'https://app.example/callback'
const client = (id: string, branding?: object) => ({
  ClientId: id,
  CallbackURLs: [callback],
  ...(branding === undefined ? {} : { Branding: branding }),
})

const configuration = JSON.stringify({
  UserPools: [
    {
      PoolName: 'people',
      UsernameAttributes: ['email'],
      AutoVerifiedAttributes: ['email'],
      Branding: { Name: 'Rowan & Finch <b>', LogoUrl: 'https://static.example.com/logo.svg' },
      Clients: [
        client('plain'),
        client('named', { Name: 'Orders' }),
        client('whole', { Name: 'Shop', LogoUrl: 'https://shop.example.net/shop.png?v=1' }),
      ],
    },
    { PoolName: 'bare', Id: 'eu-west-1_bare', Clients: [client('bare')] },
  ],
})

let server: TestServer
beforeAll(async () => {
  server = await startServer({ configuration })
})
afterAll(() => server.stop())

/** Whose page the sign-in page says it is, and from where its policy lets an image come. */
async function brandOf(clientId: string, base = server.publicUrl) {
  const { url } = authorizationRequest(base, { client_id: clientId, redirect_uri: callback })
  const { html, headers } = await createUserAgent(server.publicUrl).visit(url)
  const $ = load(html)
  const image = $('header img').attr('src')
  const name = $('header img').attr('alt') ?? $('header').text().trim()
  const policy = headers.get('content-security-policy') ?? ''
  return { html, image, name, title: $('title').text(), sources: /img-src ([^;]+)/.exec(policy)?.[1] }
}

describe('a page carries the name and the logo', () => {
  test('of the user pool, the name as text and the logo’s origin in the policy', async () => {
    const { html, ...brand } = await brandOf('plain')
    expect(brand).toEqual({
      name: 'Rowan & Finch <b>',
      title: 'Sign in – Rowan & Finch <b>',
      image: 'https://static.example.com/logo.svg',
      sources: expect.stringContaining('https://static.example.com') as string,
    })
    expect(html).not.toContain('Finch <b>')
  })

  test('of the app client, member by member', async () => {
    expect(await brandOf('named')).toMatchObject({ name: 'Orders', image: 'https://static.example.com/logo.svg' })
    const whole = await brandOf('whole')
    expect(whole).toMatchObject({ name: 'Shop', image: 'https://shop.example.net/shop.png?v=1' })
    expect(whole.sources).toContain('https://shop.example.net')
    expect(whole.sources).not.toContain('static.example.com')
  })

  test('of the product where there is none', async () => {
    const { name, sources } = await brandOf('bare', `${server.publicUrl}/eu-west-1_bare`)
    expect([name, sources]).toEqual(['Latchkey', expect.not.stringContaining('https:')])
  })
})

test.each([
  ['plain', 'the pool’s', 'Rowan & Finch <b>'],
  ['whole', 'the app client’s own', 'Shop'],
])('the mail of a sign-up at %s carries %s name', async (clientId, _whose, name) => {
  const { url } = authorizationRequest(server.publicUrl, { client_id: clientId, redirect_uri: callback })
  const login = await createUserAgent(server.publicUrl).visit(url)
  const username = `ada-at-${clientId}@example.com`
  await (await login.follow('Create an account')).submit({ username, password: 'Analytical-1843' })
  await server.codeFor(username)
  const mail = (await server.mail()).find(({ to }) => to === username)
  expect(mail?.subject).toContain(name)
  expect(mail?.html).not.toContain('Finch <b>')
})
