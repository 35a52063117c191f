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

/**
 * What is written down of a sign-out: the whole second that begins next. A sign-in is known to the second (OpenID Connect
 * Core §2, `auth_time`), and one of the same second that has not come to its end yet must look older, or whoever is being
 * shut out holds one back and comes in with it (threat row A1).
 */
export const signOutTime = (user: Pick<User, 'signedOutAt'>, now: Date): Date =>
  new Date(Math.ceil(signInTime(user, now).getTime() / 1000) * 1000)
