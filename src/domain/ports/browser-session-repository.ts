import type { BrowserSession, InteractionRecord, SignedInBrowser } from '../sessions/browser-session.ts'

export interface BrowserSessionRepository {
  /** Only a live session of a user who is enabled and has not been signed out since. One joined query. */
  find(userPoolId: string, idHash: string, at: Date): Promise<BrowserSession | undefined>
  findByUid(userPoolId: string, uid: string, at: Date): Promise<BrowserSession | undefined>
  /** @param from where it signed in; kept as it was by `update` */
  save(session: BrowserSession, from?: Pick<SignedInBrowser, 'address' | 'userAgent'>): Promise<void>
  /** Changes a session that is still there; false when it ended meanwhile: a sign-out must not be undone. */
  update(session: BrowserSession): Promise<boolean>
  delete(userPoolId: string, idHash: string): Promise<boolean>
  /** Deletes it and says whose it was; undefined: it was not there. */
  end(userPoolId: string, idHash: string): Promise<{ userSub?: string } | undefined>
  /** Live ones, the latest sign-in first. */
  ofUser(userPoolId: string, userSub: string, at: Date): Promise<readonly SignedInBrowser[]>
  /** Deletes one by its uid, if it is this user's. */
  endOfUser(userPoolId: string, userSub: string, uid: string): Promise<boolean>
  /** @param exceptUid one that stays */
  deleteOfUser(userPoolId: string, userSub: string, exceptUid?: string): Promise<number>
  deleteAll(userPoolId: string): Promise<number>
}

export interface InteractionRepository {
  find(userPoolId: string, idHash: string, at: Date): Promise<InteractionRecord | undefined>
  save(interaction: InteractionRecord): Promise<void>
  /** Whether it was still there: of those who use it up at the same moment one is told so. */
  delete(userPoolId: string, idHash: string): Promise<boolean>
}
