import { pino } from 'pino'
import { createOutboxWorker } from '../../../src/messaging/outbox-worker.ts'
import { outboxRepository } from '../../../src/persistence/outbox-repository.ts'
import { systemClock } from '../../../src/platform/clock.ts'
import { systemRandom } from '../../../src/platform/random.ts'
import { connectTo } from './messaging-database.ts'
import { acme, renderFor, sealedBox } from './sample-messages.ts'

/*
 * A process whose worker takes a message and never finishes with it: made to be killed. Says `in hand` when it has one.
 */
const database = await connectTo(process.env['DATABASE_URL']!)
const sender = {
  send: () => {
    process.stdout.write('in hand\n')
    return new Promise<void>(() => {})
  },
  close() {},
}
createOutboxWorker({
  outbox: outboxRepository(database.kysely),
  senders: { EMAIL: sender },
  render: renderFor(acme),
  sealedBox,
  clock: systemClock,
  random: systemRandom,
  log: pino({ level: 'silent' }),
}).start()
