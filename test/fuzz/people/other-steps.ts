import fc from 'fast-check'
import type { Arbitrary } from 'fast-check'
import { often } from '../often.ts'
import { operate, operations } from './actions.ts'
import { manners, redeemCode } from './app.ts'
import type { Manner } from './app.ts'
import { account, step } from './step.ts'
import type { Step } from './step.ts'
import type { AccountName, Family, World } from './world.ts'

/* Steps of apps and operators, and of time. */

const manner = fc.oneof(often<Manner>('right', 8), { arbitrary: fc.constantFrom(...manners), weight: 6 })

/** Mostly the last one. */
const recent = fc.oneof(often(0, 4), { arbitrary: fc.nat(2), weight: 1 })

export const redeems = fc.tuple(recent, manner).map(([back, how]) =>
  step(`app: redeems the code of ${back + 1} before (${how})`, async (world) => {
    const code = world.codes.at(-1 - back)
    if (code !== undefined) await redeemCode(world, code, how)
  }),
)

export const withFamily = (
  text: string,
  take: (world: World, family: Family, index: number, manner: Manner) => Promise<void>,
): Arbitrary<Step> =>
  fc.tuple(recent, fc.nat(3), manner).map(([back, index, how]) =>
    step(`app: ${text} ${index} of the sign-in ${back + 1} before (${how})`, async (world) => {
      const family = world.families.at(-1 - back)
      if (family !== undefined) await take(world, family, index, how)
    }),
  )

export const operates = (focus: AccountName) =>
  fc
    .tuple(account(focus), fc.constantFrom(...operations))
    .map(([name, operation]) => step(`operator: ${operation} ${name}`, (world) => operate(world, name, operation)))

export const passes = fc
  .oneof(often(31, 6), often(301, 2), often(3601, 1), often(86_401, 1), often(31 * 86_400, 1))
  .map((seconds) =>
    step(`${seconds} seconds pass`, async (world) => {
      world.clock.pass(seconds)
      await world.server.services.domain.store.housekeeping.deleteExpired(world.clock.now(), 500)
    }),
  )
