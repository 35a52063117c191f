import type { DomainServices } from '../ports/services.ts'
import type { UserPool } from '../user-pools/user-pool.ts'
import { canonicalName } from '../users/canonical-name.ts'
import { identifiersOf, lookupKey } from '../users/sign-in-name.ts'
import type { User } from '../users/user.ts'
import { ownBrowserOf } from './known-browsers.ts'

/** In which buckets a guess counts. */
export interface Guess {
  buckets: readonly string[]
  /**
   * Those whose lock is told. One that is not of the name that was typed would tell that two names are of one account: a
   * guess that only such a lock stops is answered as any wrong one (threat row B13).
   */
  told: readonly string[]
}

/* Passwords and codes are counted apart: whoever has locked the one has not locked the way round it. */
type Verifier = 'password' | 'code' | 'mfa' | 'clientSecret'

type Services = Pick<DomainServices, 'sealedBox'>

function bucketOf({ sealedBox }: Services, userPool: UserPool, verifier: Verifier, ...whose: string[]): string {
  return sealedBox.digest(JSON.stringify([userPool.id, verifier, ...whose]), 'guess bucket')
}

const toldAlways = (...buckets: string[]): Guess => ({ buckets, told: buckets })

/** Who is guessed at, by which name, and in which browser: the SHA-256 of its long-lived handle, if it sent one. */
export interface NamedGuess {
  userSub: string | undefined
  name: string
  browserHash: string | undefined
}

/**
 * At somebody's password, or at the code that would let them choose a new one, by a name: one count for the person,
 * whichever name is typed (threat row B7), and one for the name, which locks as one that nobody has. A browser in which
 * the person has signed in before counts for itself, so that strangers keep nobody out of their own (threat row B15).
 */
export async function guessByName(
  services: Services & Pick<DomainServices, 'store'>,
  userPool: UserPool,
  verifier: 'password' | 'code',
  { userSub, name, browserHash }: NamedGuess,
): Promise<Guess> {
  const own = await ownBrowserOf(services, userPool, userSub, browserHash)
  if (own !== undefined) {
    return toldAlways(bucketOf(services, userPool, verifier, 'browser', own.userSub, own.browserHash))
  }
  const named = bucketOf(services, userPool, verifier, 'name', lookupKey(userPool, name))
  // One that nobody has counts as often: the same work, and locks by the name alone.
  if (userSub === undefined) {
    return {
      buckets: [bucketOf(services, userPool, verifier, 'nobody', lookupKey(userPool, name)), named],
      told: [named],
    }
  }
  return { buckets: [bucketOf(services, userPool, verifier, 'user', userSub), named], told: [named] }
}

/** At a user's second factor, by somebody who knows the password; a browser of the user's counts for itself, as above. */
export async function guessAtSecondFactor(
  services: Services & Pick<DomainServices, 'store'>,
  userPool: UserPool,
  { userSub, browserHash }: { userSub: string; browserHash: string | undefined },
): Promise<Guess> {
  const own = await ownBrowserOf(services, userPool, userSub, browserHash)
  return own !== undefined
    ? toldAlways(bucketOf(services, userPool, 'mfa', 'browser', userSub, own.browserHash))
    : toldAlways(bucketOf(services, userPool, 'mfa', 'user', userSub))
}

/** At the password of a user that the page names itself. */
export const guessAtPassword = (services: Services, userPool: UserPool, userSub: string): Guess =>
  toldAlways(bucketOf(services, userPool, 'password', 'user', userSub))

/**
 * Every bucket in which strangers' guesses at a user count, whatever name they type; those of browsers that are known are not
 * among them.
 */
export const guessesAt = (services: Services, userPool: UserPool, user: User): readonly string[] => {
  const names = identifiersOf(userPool, {
    ...{ ...user, confirmed: true },
    external: user.status === 'EXTERNAL_PROVIDER',
  }).map(({ key }) => key)
  return [
    ...(['password', 'code', 'mfa'] as const).map((verifier) =>
      bucketOf(services, userPool, verifier, 'user', user.sub),
    ),
    ...(['password', 'code'] as const).flatMap((verifier) =>
      names.map((name) => bucketOf(services, userPool, verifier, 'name', name)),
    ),
  ]
}

/** At an app client's secret, from one network: strangers' guesses are none of the client's. */
export const guessAtClientSecret = (services: Services, userPool: UserPool, clientId: string, network: string): Guess =>
  toldAlways(bucketOf(services, userPool, 'clientSecret', clientId, network))

/**
 * At the code that proves an address, whichever account wants it proved: else each new sign-up with somebody's address
 * would bring new guesses.
 * @param proof.address absent: a decoy, of which only the name is known
 */
export function guessAtAddress(
  services: Services,
  userPool: UserPool,
  { address, name }: { address: string | undefined; name?: string },
): Guess {
  const canonical = address === undefined ? [] : [canonicalName(address, false)]
  const names = name === undefined ? [] : [lookupKey(userPool, name)]
  return toldAlways(
    ...canonical.map((key) => bucketOf(services, userPool, 'code', 'address', key)),
    ...names.map((key) => bucketOf(services, userPool, 'code', 'signUp', key)),
  )
}
