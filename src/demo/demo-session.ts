import { addSeconds, type Clock } from '../platform/clock.ts'
import type { Random } from '../platform/random.ts'
import { sha256 } from '../security/digest.ts'
import { BoundedMap } from '../platform/bounded-map.ts'
import type { RelyingPartyFailure } from './relying-party-failure.ts'
import type { PendingSignIn, RelyingParty, TokenSet } from './relying-party.ts'

/** Something to tell on the next page. */
export type Notice =
  | RelyingPartyFailure
  | { readonly kind: 'refreshed' }
  | { readonly kind: 'unknownSignIn' }
  | { readonly kind: 'sessionExpired' }
  | { readonly kind: 'formExpired' }
  | { readonly kind: 'signedOutHere' }

export interface SignedIn {
  /** Which of the demo's apps the user signed in at. */
  readonly relyingParty: RelyingParty
  readonly tokens: TokenSet
}

/** What the demo knows of one browser. */
export interface DemoSession {
  csrf: string
  readonly pending: PendingSignIns
  signedIn?: SignedIn | undefined
  /** A refresh on its way: a second click waits for it, since using a rotated token twice looks like theft. */
  refreshing?: Promise<Notice> | undefined
  notice?: Notice | undefined
}

export interface PendingSignIns {
  add(pending: PendingSignIn, relyingParty: RelyingParty): void
  /** Finds a sign-in by its `state` and forgets it: an answer counts once. */
  take(state: string): { readonly pending: PendingSignIn; readonly relyingParty: RelyingParty } | undefined
}

export interface DemoSessions {
  find(handle: string): DemoSession | undefined
  /** A new session and the handle to give to the browser. */
  create(): { readonly handle: string; readonly session: DemoSession }
  /** Gives a session a new handle and form token: whoever planted or knew the old ones has nothing (fixation). */
  renew(handle: string, session: DemoSession): string
  end(handle: string): void
}

// A working day; the server's own session is shorter.
const sessionLifetimeSeconds = 8 * 60 * 60
// Room for someone who signs up on the way and waits for the mail with the code, and for a page that was left open for
// hours: the server offers to start again from there, with the same request.
const pendingLifetimeSeconds = 4 * 60 * 60
// Sessions are made by whoever asks, so the oldest go when there are too many.
const maxSessions = 1000
const maxPending = 10

/**
 * The demo's sessions, in memory: it exists only in development, where one process runs, and forgetting everyone at a
 * restart does no harm.
 */
export function createDemoSessions(options: { random: Random; clock: Clock }): DemoSessions {
  const { random, clock } = options
  const entries = new BoundedMap<{ session: DemoSession; expiresAt: Date }>(maxSessions)
  const put = (session: DemoSession): string => {
    const handle = random.handle()
    entries.set(sha256(handle), { session, expiresAt: addSeconds(clock.now(), sessionLifetimeSeconds) })
    return handle
  }
  return {
    find(handle) {
      const key = sha256(handle)
      const entry = entries.get(key)
      if (entry === undefined) return undefined
      if (entry.expiresAt > clock.now()) return entry.session
      entries.delete(key)
      return undefined
    },
    create() {
      const session = { csrf: random.handle(), pending: createPendingSignIns(clock) }
      return { handle: put(session), session }
    },
    renew(handle, session) {
      entries.delete(sha256(handle))
      session.csrf = random.handle()
      return put(session)
    },
    end: (handle) => entries.delete(sha256(handle)),
  }
}

/** Keyed by `state`, so that two tabs can each finish what they started. */
function createPendingSignIns(clock: Clock): PendingSignIns {
  const entries = new BoundedMap<{ pending: PendingSignIn; relyingParty: RelyingParty; expiresAt: Date }>(maxPending)
  return {
    add(pending, relyingParty) {
      const expiresAt = addSeconds(clock.now(), pendingLifetimeSeconds)
      entries.set(pending.state, { pending, relyingParty, expiresAt })
    },
    take(state) {
      const entry = entries.get(state)
      entries.delete(state)
      return entry !== undefined && entry.expiresAt > clock.now() ? entry : undefined
    },
  }
}
