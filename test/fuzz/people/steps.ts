import fc from 'fast-check'
import type { Arbitrary } from 'fast-check'
import { commandReplay } from '../fuzz-run.ts'
import { askUserInfo, refresh, revoke } from './app.ts'
import * as atBrowsers from './browser-steps.ts'
import { operates, passes, redeems, withFamily } from './other-steps.ts'
import type { Step } from './step.ts'
import type { AccountName, World } from './world.ts'

/** Every kind of step, and how often it comes. */
const weighted = (focus: AccountName): readonly (readonly [Arbitrary<Step>, times: number])[] => [
  [atBrowsers.submits(focus), 10],
  [atBrowsers.goesIn(focus), 9],
  [atBrowsers.authorizes, 3],
  [atBrowsers.guesses(focus), 1],
  [atBrowsers.posts(focus), 3],
  [atBrowsers.takesOver(focus), 2],
  [atBrowsers.opens, 2],
  [atBrowsers.repeats, 3],
  [atBrowsers.goesBack, 2],
  [atBrowsers.follows, 3],
  [atBrowsers.followsMail(focus), 2],
  [atBrowsers.logsOut, 2],
  [atBrowsers.losesCookie, 1],
  [redeems, 8],
  [withFamily('refreshes with token', refresh), 6],
  [withFamily('revokes token', revoke), 1],
  [withFamily('asks userInfo with token', askUserInfo), 2],
  [operates(focus), 4],
  [passes, 3],
]

const stepsAbout = (focus: AccountName, maxCommands: number): Arbitrary<Iterable<Step>> =>
  fc.commands<World, World, boolean>(
    weighted(focus).flatMap(([arbitrary, times]) => Array.from({ length: times }, () => arbitrary)),
    { maxCommands, size: 'max', ...commandReplay },
  )

/** About an account in use, one with a temporary password, or one that is not there yet. */
export const steps = (maxCommands: number): Arbitrary<Iterable<Step>> =>
  fc.oneof(...(['ana', 'cas', 'dora'] as const).map((focus) => stepsAbout(focus, maxCommands)))
