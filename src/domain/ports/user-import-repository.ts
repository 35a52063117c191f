import type { OwnedSoftwareToken } from '../mfa/software-token.ts'
import type { OwnedPasskey } from '../passkeys/passkey.ts'
import type { UserStatus } from '../users/user.ts'
import type { NewUser } from './new-user.ts'

/** A row that makes no user, and why. */
export interface RefusedRow {
  row: number
  /** As the file has it, where it does. */
  username?: string
  reason: string
}

/** How far the import of a file has come. */
export interface UserImport {
  userPoolId: string
  /** Of the file, in base64url: SHA-256. */
  fileHash: string
  /** Rows from the first one on that need not be looked at again. */
  rowsDone: number
  imported: number
  refused: number
  /** Of the batch that was done last: whoever keeps a report may have been broken off before they wrote it down. */
  latestRefused: readonly RefusedRow[]
  startedAt: Date
  finishedAt?: Date
}

/** A user with all that comes along. */
export interface ImportedUser {
  user: NewUser
  /** Names of groups that are there. */
  groups: readonly string[]
  softwareTokens: readonly OwnedSoftwareToken[]
  passkeys: readonly OwnedPasskey[]
}

/** Somebody who has a name, or a `sub`, that was asked for. */
export interface NameHolder {
  sub: string
  /** Canonical names among those asked for. */
  keys: readonly string[]
  status: UserStatus
}

/** What many users have, for an export. */
export interface Belongings {
  groups: readonly { userSub: string; name: string }[]
  softwareTokens: readonly OwnedSoftwareToken[]
  passkeys: readonly OwnedPasskey[]
}

export interface UserImportRepository {
  find(userPoolId: string, fileHash: string): Promise<UserImport | undefined>
  /** From the first row, whatever was before. */
  start(userPoolId: string, fileHash: string, at: Date): Promise<void>
  /** False when it does not stand at `from` any more: somebody else imports the same file. */
  advance(progress: UserImport & { from: number }): Promise<boolean>
  finish(userPoolId: string, fileHash: string, at: Date): Promise<void>
  /** Who has any of these canonical names, or is one of these users. One query. */
  holders(userPoolId: string, keys: readonly string[], subs: readonly string[]): Promise<readonly NameHolder[]>
  /** Deletes those of them who never were confirmed. */
  deleteUnconfirmed(userPoolId: string, subs: readonly string[]): Promise<void>
  /**
   * Adds users with their names, groups and factors, by a fixed number of statements.
   * @returns who was not added, since somebody took one of their names at the same moment: their `sub`
   */
  add(userPoolId: string, users: readonly ImportedUser[], at: Date): Promise<ReadonlySet<string>>
  /** Three queries, however many users. */
  belongings(userPoolId: string, subs: readonly string[]): Promise<Belongings>
}
