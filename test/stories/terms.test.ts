import { load } from 'cheerio'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { configurationOf, callback, startPool } from '../conformance/pool.ts'
import type { ConformancePool } from '../conformance/pool.ts'
import { authorizationRequest } from '../support/relying-party.ts'
import { createUserAgent } from '../support/user-agent.ts'

const documents = (host: string) => ({
  TermsOfUse: { 'cognito:default': `https://${host}/terms?a=1&b=2`, 'cognito:german': `https://${host}/agb` },
  PrivacyPolicy: `https://${host}/privacy`,
})

let pool: ConformancePool
let bare: ConformancePool
beforeAll(async () => {
  const clients = { shop: { Terms: documents('shop.example.com') } }
  const configuration = configurationOf({ clients, pool: { Terms: documents('example.com') } })
  ;[pool, bare] = await Promise.all([startPool({ configuration }), startPool()])
})
afterAll(() => Promise.all([pool.stop(), bare.stop()]))

/** The sentence as a whole, and where its links go. */
async function termsAt(server: ConformancePool, clientId: string, lang: string) {
  const parameters = { client_id: clientId, redirect_uri: callback, prompt: 'create', lang }
  const page = await createUserAgent(server.base).visit(authorizationRequest(server.base, parameters).url)
  const line = load(page.html)('.terms')
  line.find('.visually-hidden').remove()
  const links = line.find('a').toArray()
  return {
    text: line.text().trim(),
    links: links.map(({ attribs }) => attribs['href']),
    opens: new Set(links.map(({ attribs }) => `${attribs['target']} ${attribs['rel']}`)),
  }
}

test('signing up says what is agreed to, in the language of the page', async () => {
  expect(await termsAt(pool, 'app', 'en')).toEqual({
    text: 'By signing up, you agree to our Terms of use and Privacy policy.',
    links: ['https://example.com/terms?a=1&b=2', 'https://example.com/privacy'],
    opens: new Set(['_blank noopener noreferrer']),
  })
  expect(await termsAt(pool, 'app', 'de')).toMatchObject({
    text: 'Mit der Registrierung stimmen Sie unseren Nutzungsbedingungen und unserer Datenschutzerklärung zu.',
    links: ['https://example.com/agb', 'https://example.com/privacy'],
  })
  expect(await termsAt(pool, 'app', 'ar')).toMatchObject({
    text: expect.stringContaining('شروط الاستخدام'),
    links: ['https://example.com/terms?a=1&b=2', 'https://example.com/privacy'],
  })
})

test('an app client’s own documents stand in place of the pool’s', async () => {
  expect(await termsAt(pool, 'shop', 'de')).toMatchObject({
    links: ['https://shop.example.com/agb', 'https://shop.example.com/privacy'],
  })
})

test('without documents there is no such sentence', async () => {
  expect(await termsAt(bare, 'app', 'en')).toMatchObject({ text: '', links: [] })
})
