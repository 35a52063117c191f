import type { DomainServices } from '../ports/services.ts'
import type { UserPool } from '../user-pools/user-pool.ts'
import type { Guess } from './guess.ts'
import type { AttemptsExceeded } from './lock-out.ts'

export type Admission =
  /** It may be looked at, and has been counted as a failure already. */
  | { kind: 'admitted' }
  /** It may not, and the answer is that of a wrong guess, after the same work. */
  | { kind: 'lockedUntold' }
  | AttemptsExceeded

type Services = Pick<DomainServices, 'store' | 'clock'>

/** Counts a guess before anybody looks at it: of many at once no more are looked at than may be (threat row B6). */
export async function admitGuess(services: Services, userPool: UserPool, guess: Guess): Promise<Admission> {
  const { guesses } = services.store
  const { id: userPoolId, lockOut } = userPool
  const at = services.clock.now()
  const counted = new Set(
    (await guesses.count({ userPoolId, buckets: guess.buckets, lockOut, at })).map(({ bucket }) => bucket),
  )
  if (guess.buckets.every((bucket) => counted.has(bucket))) return { kind: 'admitted' }
  if (guess.told.every((bucket) => counted.has(bucket))) return { kind: 'lockedUntold' }
  const until = await guesses.lockedUntil(userPoolId, guess.told, at)
  const seconds = until === undefined ? 0 : Math.ceil((until.getTime() - at.getTime()) / 1000)
  return { kind: 'refused', reason: 'attemptsExceeded', retryAfterSeconds: Math.max(1, seconds) }
}

/** The guess was right: nothing has failed here. */
export const clearGuesses = ({ store }: Pick<Services, 'store'>, userPool: UserPool, guess: Guess): Promise<void> =>
  store.guesses.clear(userPool.id, guess.buckets)

/** Could not be looked at after all, for want of room: no failure of whoever guessed. */
export const takeBackGuess = (
  { store }: Pick<Services, 'store'>,
  { id: userPoolId, lockOut }: UserPool,
  { buckets }: Guess,
): Promise<void> => store.guesses.takeBack({ userPoolId, buckets, lockOut })
