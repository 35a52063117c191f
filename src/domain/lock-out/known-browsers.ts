import { sha256 } from '../../security/digest.ts'
import { notifyOwner } from '../notices/notify-owner.ts'
import type { DomainServices } from '../ports/services.ts'
import { withholdsNotice } from '../rate-limits/consume-limits.ts'
import type { OwnBrowser } from '../rate-limits/consume-limits.ts'
import type { UserPool } from '../user-pools/user-pool.ts'
import type { User } from '../users/user.ts'

/** As long as browsers keep a cookie at most (RFC 6265bis §5.5). */
export const knownBrowserSeconds = 400 * 86_400

/** Of one user; the one that was not used for longest makes room. */
const maximumKnownBrowsers = 20

/**
 * The browser, if this very user has signed in with it. It is looked for even for nobody: the same work (threat row B14).
 * @param browserHash the SHA-256 of its long-lived handle, if it sent one
 */
export async function ownBrowserOf(
  { store }: Pick<DomainServices, 'store'>,
  { id: userPoolId }: Pick<UserPool, 'id'>,
  userSub: string | undefined,
  browserHash: string | undefined,
): Promise<OwnBrowser | undefined> {
  const isKnown = browserHash !== undefined && (await store.knownBrowsers.has(userPoolId, userSub ?? '', browserHash))
  return userSub !== undefined && isKnown ? { userSub, browserHash } : undefined
}

/**
 * Remembers that this very user has signed in with this browser. It is let in no more easily for that: its wrong guesses
 * are counted apart from everybody else's, so that strangers do not keep the owner out (threat row B15). Of a further one the
 * owner is told.
 */
export async function rememberBrowser(
  services: DomainServices,
  { userPool, user, handle }: { userPool: UserPool; user: User; handle: string },
): Promise<void> {
  const { store, clock } = services
  const { userPoolId, sub: userSub } = user
  const browser = { userPoolId, userSub, browserHash: sha256(handle), maximum: maximumKnownBrowsers, at: clock.now() }
  const isKnown = await store.knownBrowsers.has(userPoolId, userSub, browser.browserHash)
  const isNews = !isKnown && (await store.knownBrowsers.any(userPoolId, userSub))
  if (!isNews || (await withholdsNotice(services, userPool, userSub))) return store.knownBrowsers.remember(browser)
  await store.transaction(async (tx) => {
    await tx.knownBrowsers.remember(browser)
    await notifyOwner(services, tx, user, 'newBrowser')
  })
  services.messagesQueued()
}
