import { join } from 'node:path'
import type { OutgoingMessage } from '../../../src/domain/messages/message.ts'
import type { PoolPresentation } from '../../../src/messaging/message-texts.ts'
import { createMessageRenderer } from '../../../src/messaging/render-message.ts'
import { systemRandom } from '../../../src/platform/random.ts'
import { loadMessageCatalogue } from '../../../src/platform/views/message-catalogue.ts'
import { createViewEngine } from '../../../src/platform/views/view-engine.ts'
import { createSealedBox } from '../../../src/security/sealed-box.ts'
import { userPoolId } from './messaging-database.ts'

const views = join(import.meta.dirname, '../../../views')

export const engine = createViewEngine(views, { strictVariables: true })
export const catalogue = loadMessageCatalogue(join(views, 'messages'))
export const sealedBox = createSealedBox('an-installation-secret-of-tests-only', systemRandom)

export const acme: PoolPresentation = {
  brand: { name: 'Acme' },
  overrides: {},
  signInUrl: 'https://login.acme.example/login',
}

export const verification = (change: Partial<OutgoingMessage> = {}): OutgoingMessage => ({
  kind: 'verification',
  userPoolId,
  medium: 'EMAIL',
  recipient: 'jo@example.com',
  languages: ['en'],
  username: 'jo',
  code: '493817',
  validForMinutes: 1440,
  ...change,
})

export const renderFor = (presentation: PoolPresentation | undefined) =>
  createMessageRenderer({ views: engine, catalogue, brandOf: () => presentation })
