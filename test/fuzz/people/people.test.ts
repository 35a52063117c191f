import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { movableClock } from '../../support/movable-clock.ts'
import { checkProperty, fuzzedDatabases, fuzzTimeoutMs } from '../fuzz-run.ts'
import { startServerUnderTest } from '../server-under-test.ts'
import type { ServerUnderTest } from '../server-under-test.ts'
import { goIn, operate } from './actions.ts'
import type { Asked, Filling } from './actions.ts'
import { redeemCode, refresh } from './app.ts'
import { createWorlds } from './make-world.ts'
import type { WorldKind, Worlds } from './make-world.ts'
import type { Step } from './step.ts'
import { steps } from './steps.ts'
import { newTally } from './world.ts'
import type { AccountName, ClientName, World } from './world.ts'

/*
 * People, strangers, apps and operators, in any order (threat rows A10, B2, B3, B4, B17, C3, C5, E10): no tokens and no
 * change of an account without its proof, nothing counts twice, nothing fails.
 */

describe.each(fuzzedDatabases)('%s', (database) => {
  const clock = movableClock({ stopped: true })
  const tally = newTally()
  let server: ServerUnderTest
  let worlds: Worlds
  beforeAll(async () => {
    server = await startServerUnderTest(database, clock)
    worlds = await createWorlds(server, clock)
  })
  afterAll(() => server.stop())

  const holds = async (kind: WorldKind, commands: Iterable<Step>): Promise<void> => {
    const world = await worlds.begin(kind, tally)
    try {
      await fc.asyncModelRun(() => ({ model: world, real: world }), commands)
    } finally {
      await worlds.end(world)
    }
  }

  test.each(['codes', 'links'] as const)('people who do as they should get on (%s)', async (kind) => {
    const own = newTally()
    const world = await worlds.begin(kind, own)
    const { owner, stranger } = world.browsers
    const [tab, second] = owner.tabs
    const going = { way: 'login', filling: filledAs('ana'), pages: 4, asked: askedFor('web') } as const
    await goIn(world, owner, tab, going)
    await redeemNext(world)
    await goIn(world, owner, second, { ...going, asked: askedFor('shop') })
    await redeemNext(world)
    await goIn(world, owner, second, { ...going, asked: askedFor('partner') })
    await redeemNext(world)
    await goIn(world, owner, second, { ...going, asked: askedFor('page') })
    await goIn(world, stranger, stranger.tabs[0], { ...going, way: 'forgotPassword', filling: filledAs('ben') })
    await redeemNext(world)
    await goIn(world, owner, tab, { ...going, asked: askedFor('web', 'login'), filling: filledAs('cas') })
    await redeemNext(world)
    await goIn(world, stranger, stranger.tabs[0], {
      ...going,
      asked: askedFor('shop', 'create'),
      way: 'signUp',
      filling: filledAs('dora'),
    })
    await redeemNext(world)
    await operate(world, 'dora', 'disable')
    for (const family of world.families) await refresh(world, family, 0, 'right')
    expect(own).toMatchObject({ codes: 6, tokens: 7, refreshed: 5, resets: 1, confirmed: 2, signedUp: 1, consents: 1 })
    await worlds.end(world)
  })

  test('nobody gets tokens or changes an account without a proof', { timeout: fuzzTimeoutMs }, async () => {
    const progress = (): string =>
      Object.entries(tally)
        .map(([name, count]) => `${name} ${count}`)
        .join(', ')
    const property = fc.asyncProperty(fc.constantFrom('codes', 'links'), steps(40), holds)
    await checkProperty(`people, ${database}`, property, { runs: 25, progress })
  })
})

const askedFor = (client: ClientName, prompt: Asked['prompt'] = ''): Asked => ({ client, prompt, mode: '' })

const filledAs = (account: AccountName): Filling => ({ account, knowledge: 'right', newPassword: 'Babbage-Engine-2' })

async function redeemNext(world: World): Promise<void> {
  world.clock.pass(2)
  const code = world.codes.at(-1)
  if (code !== undefined) await redeemCode(world, code, 'right')
}
