import { expect, test } from 'vitest'
import { systemRandom } from '../../src/platform/random.ts'
import {
  configuredEventWebhooks,
  eventWebhooksOf,
  eventWebhooksSchema,
} from '../../src/domain/user-pools/event-webhook-settings.ts'
import { createSealedBox } from '../../src/security/sealed-box.ts'

const sealedBox = createSealedBox('a secret of thirty-two characters', systemRandom)
const Secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const hook = { Name: 'crm', Webhook: 'https://crm.example.com/hook', Secret }

test.each([
  ['no name', { ...hook, Name: '' }, 'must be letters'],
  ['no secret', { ...hook, Secret: undefined }, 'is missing: a webhook is signed'],
  ['a short secret', { ...hook, Secret: 'short' }, 'must be 24 to 64 random bytes'],
  ['two kinds of secrets', { ...hook, Secrets: [Secret] }, 'cannot stand beside Secret'],
  ['plain http', { ...hook, Webhook: 'http://crm.example.com' }, 'must be https'],
  ['no URL', { ...hook, Webhook: 'crm' }, 'must be a URL'],
  ['an unknown type', { ...hook, Types: ['UserHappy'] }, 'Invalid option'],
  ['a misspelt member', { ...hook, Typos: [] }, 'Typos'],
])('refused: %s', (_what, given, message) => {
  const read = eventWebhooksSchema.safeParse([given])
  expect(read.success).toBe(false)
  expect(read.error?.message).toContain(message)
})

test('refused: a name twice', () => {
  expect(eventWebhooksSchema.safeParse([hook, hook]).error?.message).toContain('has a Name twice')
})

test('secrets are sealed, and stay as they are while they do not change', () => {
  const named = eventWebhooksSchema.parse([hook])
  const first = configuredEventWebhooks(sealedBox, undefined, named)
  expect(JSON.stringify(first)).not.toContain(Secret)
  expect(configuredEventWebhooks(sealedBox, first, named)).toEqual(first)
  expect(configuredEventWebhooks(sealedBox, first, undefined)).toEqual(first)
  expect(configuredEventWebhooks(sealedBox, first, [])).toEqual([])
  const other = eventWebhooksSchema.parse([{ ...hook, Secret: 'whsec_bmV3LXNlY3JldC1mb3ItdGhlLW5leHQtdGltZSE=' }])
  expect(configuredEventWebhooks(sealedBox, first, other)).not.toEqual(first)
  expect(eventWebhooksOf(first)).toMatchObject([
    { name: 'crm', timeoutMs: 10_000, outcomes: ['Pass'], allowPrivateAddresses: false },
  ])
})
