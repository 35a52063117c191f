import { addSeconds } from '../../platform/clock.ts'
import type { User } from '../users/user.ts'

/** Seconds by which the clocks of two servers on one database may differ. */
const clockDifferenceSeconds = 300

/**
 * When a user has signed in, for what is compared with their last sign-out: a server whose clock is ahead may have written
 * that, and a sign-in that follows it must not look older.
 */
export function signInTime({ signedOutAt }: Pick<User, 'signedOutAt'>, now: Date): Date {
  if (signedOutAt === undefined || signedOutAt <= now) return now
  return signedOutAt <= addSeconds(now, clockDifferenceSeconds) ? signedOutAt : now
}
