import { afterAll, beforeAll, expect, test } from 'vitest'
import { haveAccount, userPoolOf } from '../../support/accounts.ts'
import { startServer } from '../../support/server.ts'
import type { TestServer } from '../../support/server.ts'
import { createUserAgent } from '../../support/user-agent.ts'
import { callback, goodPassword } from '../../support/visitor.ts'

/* Attributes that the operator has made up stand on the page of one's details, where the app client lists them. */

let server: TestServer
beforeAll(async () => {
  const attributes = ['given_name', 'custom:favourite_colour', 'custom:shoe-size', 'custom:tier']
  const configuration = JSON.stringify({
    UserPools: [
      {
        PoolName: 'shop',
        UsernameAttributes: ['email'],
        Schema: [
          { Name: 'favourite_colour', StringAttributeConstraints: { MaxLength: 20 } },
          {
            Name: 'shoe-size',
            AttributeDataType: 'Number',
            NumberAttributeConstraints: { MinValue: 10, MaxValue: 60 },
          },
          { Name: 'tier', Mutable: false },
          { Name: 'secret' },
        ],
        Clients: [
          { ClientId: 'shop', CallbackURLs: [callback], ReadAttributes: attributes, WriteAttributes: attributes },
        ],
      },
    ],
  })
  server = await startServer({ configuration })
})
afterAll(() => server.stop())

test('people fill them in, within the bounds that the schema sets, and no others', async () => {
  const username = 'ada@example.com'
  const user = await haveAccount(server, { username, password: goodPassword })
  const browser = createUserAgent(server.publicUrl)
  const page = await (
    await browser.visit(`${server.publicUrl}/account/profile`)
  ).submit({ username, password: goodPassword })
  expect(page.text).toContain('Favourite colour')
  expect(page.field('custom:tier')).toBeUndefined()
  expect(page.field('custom:secret')).toBeUndefined()
  const refused = await page.submit({ 'custom:favourite_colour': 'green', 'custom:shoe-size': '99' })
  expect([refused.heading, refused.field('custom:favourite_colour')]).toEqual(['Your details', 'green'])
  const forged = { 'custom:shoe-size': '42', 'custom:tier': 'gold', 'custom:secret': 'x' }
  const saved = await refused.submit({ 'custom:favourite_colour': 'green', ...forged })
  expect(saved.text).toContain('Saved.')
  const stored = await server.services.domain.store.users.findBySub(userPoolOf(server).id, user.sub)
  expect(stored?.attributes).toEqual({
    ...user.attributes,
    'custom:favourite_colour': 'green',
    'custom:shoe-size': '42',
  })
})
