import { sha256 } from '../../security/digest.ts'
import type { DomainServices } from '../ports/services.ts'

/** As long as browsers keep a cookie at most (RFC 6265bis §5.5). */
export const knownBrowserSeconds = 400 * 86_400

/** Of one user; the one that was not used for longest makes room. */
const maximumKnownBrowsers = 20

/**
 * Remembers that this very user has signed in with this browser. It is let in no more easily for that: its wrong guesses
 * are counted apart from everybody else's, so that strangers do not keep the owner out (threat row B15).
 */
export const rememberBrowser = (
  { store, clock }: Pick<DomainServices, 'store' | 'clock'>,
  { userPoolId, userSub, handle }: { userPoolId: string; userSub: string; handle: string },
): Promise<void> =>
  store.knownBrowsers.remember({
    userPoolId,
    userSub,
    browserHash: sha256(handle),
    maximum: maximumKnownBrowsers,
    at: clock.now(),
  })
