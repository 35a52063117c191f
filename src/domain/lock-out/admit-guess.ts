import type { DomainServices } from '../ports/services.ts'
import type { UserPool } from '../user-pools/user-pool.ts'
import type { Guess } from './guess.ts'
import type { AttemptsExceeded } from './lock-out.ts'

export type Admission =
  /** It may be looked at, and has been counted as a failure already. */
  | { kind: 'admitted'; counted: readonly string[] }
  /** It may not, and the answer is that of a wrong guess, after the same work. `counted`: where it was, all the same. */
  | { kind: 'lockedUntold'; counted: readonly string[] }
  | AttemptsExceeded

type Services = Pick<DomainServices, 'store' | 'clock'>

/** Counts a guess before anybody looks at it: of many at once no more are looked at than may be (threat row B6). */
export async function admitGuess(services: Services, userPool: UserPool, guess: Guess): Promise<Admission> {
  const { guesses } = services.store
  const { id: userPoolId, lockOut } = userPool
  const at = services.clock.now()
  const rows = await guesses.count({ userPoolId, buckets: guess.buckets, lockOut, at })
  const counted = rows.map(({ bucket }) => bucket)
  if (guess.buckets.every((bucket) => counted.includes(bucket))) return { kind: 'admitted', counted }
  if (guess.told.every((bucket) => counted.includes(bucket))) return { kind: 'lockedUntold', counted }
  const until = await guesses.lockedUntil(userPoolId, guess.told, at)
  const seconds = until === undefined ? 0 : Math.ceil((until.getTime() - at.getTime()) / 1000)
  return { kind: 'refused', reason: 'attemptsExceeded', retryAfterSeconds: Math.max(1, seconds) }
}

/** The guess was right: nothing has failed here. */
export const clearGuesses = ({ store }: Pick<Services, 'store'>, userPool: UserPool, guess: Guess): Promise<void> =>
  store.guesses.clear(userPool.id, guess.buckets)

/**
 * No failure of whoever guessed, and nothing that speaks for them either: it could not be looked at for want of room, or
 * was right of a sign-up that nobody has confirmed.
 */
export const takeBackGuess = (
  { store }: Pick<Services, 'store'>,
  { id: userPoolId, lockOut }: UserPool,
  { counted: buckets }: Exclude<Admission, AttemptsExceeded>,
): Promise<void> => store.guesses.takeBack({ userPoolId, buckets, lockOut })
