import fc from 'fast-check'
import type { Arbitrary, AsyncCommand } from 'fast-check'
import { often } from '../often.ts'
import { knowledges, newPasswords, prompts, responseModes } from './actions.ts'
import type { Asked, Filling } from './actions.ts'
import { checkStore } from './check-store.ts'
import { accountNames } from './world.ts'
import type { AccountName, Browser, BrowserName, Tab, World } from './world.ts'

/* What every step of a run is made of. Each says what it is, so that a counter-example reads as a story. */

export type Step = AsyncCommand<World, World>

export const step = (text: string, take: (world: World) => Promise<void>): Step => ({
  check: () => true,
  async run(world) {
    // Times are told in whole seconds; two things that happen in one cannot be told apart.
    world.clock.pass(2)
    world.story.push(text)
    await take(world)
    await checkStore(world)
    world.tally.steps += 1
  },
  toString: () => text,
})

export interface Where {
  browser: BrowserName
  tab: 0 | 1
}

export const at = (world: World, where: Where): [Browser, Tab] => {
  const browser = world.browsers[where.browser]
  return [browser, browser.tabs[where.tab]]
}

export const where: Arbitrary<Where> = fc.oneof(
  often<Where>({ browser: 'owner', tab: 0 }, 4),
  often<Where>({ browser: 'owner', tab: 1 }, 2),
  often<Where>({ browser: 'stranger', tab: 0 }, 3),
)
export const whereText = ({ browser, tab }: Where): string => (tab === 0 ? browser : `${browser}, second tab`)

/** Mostly the one that a run is about, so that one thing has to do with another. */
export const account = (focus: AccountName): Arbitrary<AccountName> =>
  fc.oneof(often(focus, 5), { arbitrary: fc.constantFrom(...accountNames), weight: 3 })

export const asked: Arbitrary<Asked> = fc.record({
  client: fc.constantFrom('web', 'web', 'shop', 'partner', 'page'),
  prompt: fc.oneof(often<Asked['prompt']>('', 6), { arbitrary: fc.constantFrom(...prompts), weight: 4 }),
  mode: fc.oneof(often<Asked['mode']>('', 6), { arbitrary: fc.constantFrom(...responseModes), weight: 2 }),
})
export const askedText = ({ client, prompt, mode }: Asked): string =>
  [client, prompt && `prompt=${prompt}`, mode && `response_mode=${mode}`].filter((text) => text !== '').join(' ')

export const filling = (focus: AccountName): Arbitrary<Filling> =>
  fc.record({ account: account(focus), knowledge, newPassword })

const knowledge = fc.oneof(often<Filling['knowledge']>('right', 6), {
  arbitrary: fc.constantFrom(...knowledges),
  weight: 4,
})

const newPassword = fc.oneof(
  { arbitrary: fc.constantFrom(...newPasswords.slice(0, 2)), weight: 6 },
  often<Filling['newPassword']>('weak', 1),
)

export const fillingText = ({ account: name, knowledge, newPassword }: Filling): string =>
  `as ${name}, ${knowledge}, new ${newPassword}`
