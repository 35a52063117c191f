import { z } from 'zod'
import { record } from '../../domain/audit/record.ts'
import { beginExport, exportPage } from '../../domain/user-import/export-users.ts'
import { precedence } from '../../domain/user-pools/configuration.ts'
import { checkBatch, importBatch, ImportOvertaken } from '../../domain/user-import/import-users.ts'
import type { RefusedRow } from '../../domain/ports/user-import-repository.ts'
import type { BatchOutcome } from '../../domain/user-import/import-users.ts'
import { defineCommand } from './administration.ts'
import type { Administration } from './administration.ts'
import { CommandFailure } from './command-failure.ts'
import { requireUserPool, userPoolSelector } from './find.ts'

/* `latchkey import` and `latchkey export`, in pieces: the file itself never goes over the admin channel. */

/** A row that makes no user. */
export interface RefusedView {
  /** The line of the file, or the place in its list. */
  Row: number
  Username?: string
  Reason: string
}

const fileHash = z.string().regex(/^[\w-]{43}$/)

const group = z.strictObject({
  GroupName: z.string().min(1).max(128),
  Description: z.string().max(2048).optional(),
  Precedence: precedence.optional(),
  RoleArn: z.string().max(2048).optional(),
})

/** How far an earlier import of the same file has come; a new one begins. */
export const beginImport = defineCommand(
  z.strictObject({ userPool: userPoolSelector, fileHash, restart: z.boolean(), dryRun: z.boolean() }),
  async (administration, { userPool: selector, fileHash: hash, restart, dryRun }) => {
    const { id } = requireUserPool(administration, selector)
    const { store, clock } = administration.domain
    const earlier = restart ? undefined : await store.userImports.find(id, hash)
    if (earlier === undefined && !dryRun) await store.userImports.start(id, hash, clock.now())
    const { rowsDone = 0, imported = 0, refused = 0, latestRefused = [], finishedAt } = earlier ?? {}
    return {
      UserPoolId: id,
      RowsDone: rowsDone,
      Imported: imported,
      Refused: refused,
      LatestRefused: latestRefused.map(refusedView),
      ...(finishedAt === undefined ? {} : { FinishedAt: finishedAt.toISOString() }),
    }
  },
)

/** Groups that an export has told of, where the user pool does not have them yet. */
export const importGroups = defineCommand(
  z.strictObject({ userPool: userPoolSelector, groups: z.array(group).max(10_000) }),
  async (administration, { userPool: selector, groups }) => {
    const { id: userPoolId } = requireUserPool(administration, selector)
    const { domain } = administration
    const wanted = groups.map(({ GroupName, Description, Precedence, RoleArn }) => ({
      ...{ userPoolId, name: GroupName },
      ...(Description === undefined ? {} : { description: Description }),
      ...(Precedence === undefined ? {} : { precedence: Precedence }),
      ...(RoleArn === undefined ? {} : { roleArn: RoleArn }),
    }))
    const created = await domain.store.transaction(async (tx) => {
      const added = await tx.groups.addIfAbsent(wanted, domain.clock.now())
      await record(
        domain,
        tx,
        ...added.map((name) => ({ userPoolId, eventType: 'GroupCreate' as const, detail: { group: name } })),
      )
      return added
    })
    return { Created: created }
  },
)

const batch = z.strictObject({
  userPool: userPoolSelector,
  fileHash,
  /** Rows of the file that were done before. */
  from: z.int().min(0),
  dryRun: z.boolean(),
  rows: z
    .array(
      z.union([
        z.strictObject({ row: z.int().min(1), problem: z.string().max(1000) }),
        z.strictObject({ row: z.int().min(1), user: z.record(z.string(), z.unknown()) }),
      ]),
    )
    .min(1)
    .max(500),
})

export const importRows = defineCommand(
  batch,
  async (administration, { userPool: selector, fileHash: hash, from, dryRun, rows }) => {
    const userPool = requireUserPool(administration, selector)
    if (dryRun) return shown(await checkBatch(administration.domain, userPool, rows), true)
    const outcome = await importBatch(administration.domain, userPool, rows, { fileHash: hash, from }).catch(
      (error: unknown) => {
        if (!(error instanceof ImportOvertaken)) throw error
        throw new CommandFailure('refused', 'Somebody else is importing this file: one of you is enough.')
      },
    )
    // Which kinds of password hashes there are belongs to the settings.
    await administration.directory.refresh()
    return shown(outcome, false)
  },
)

/** @param withNames of those who would be imported: so that rows far apart can be held against each other */
const shown = ({ imported, refused }: BatchOutcome, withNames: boolean) => ({
  Imported: imported.length,
  ...(withNames ? { Names: imported.map(({ row, keys }) => ({ Row: row, Names: keys })) } : {}),
  Refused: refused.map(refusedView),
})

const refusedView = ({ row, username, reason }: RefusedRow): RefusedView => ({
  Row: row,
  ...(username === undefined ? {} : { Username: username }),
  Reason: reason,
})

export const finishImport = defineCommand(
  z.strictObject({ userPool: userPoolSelector, fileHash }),
  async (administration, { userPool: selector, fileHash: hash }) => {
    const { id: userPoolId } = requireUserPool(administration, selector)
    const { domain } = administration
    return domain.store.transaction(async (tx) => {
      await tx.userImports.finish(userPoolId, hash, domain.clock.now())
      const { imported = 0, refused = 0 } = (await tx.userImports.find(userPoolId, hash)) ?? {}
      await record(domain, tx, { userPoolId, eventType: 'UserImport', detail: { file: hash, imported, refused } })
      return { Imported: imported, Refused: refused }
    })
  },
)

/** Of the whole user pool. It is on record before anything is told. */
export const beginExportCommand = defineCommand(
  z.strictObject({ userPool: userPoolSelector }),
  async (administration: Administration, { userPool: selector }) => {
    const userPool = requireUserPool(administration, selector)
    const groups = await beginExport(administration.domain, userPool)
    return {
      UserPoolId: userPool.id,
      PoolName: userPool.name,
      ExportedAt: administration.domain.clock.now().toISOString(),
      Groups: groups.map(({ name, description, precedence, roleArn }) => ({
        GroupName: name,
        ...(description === undefined ? {} : { Description: description }),
        ...(precedence === undefined ? {} : { Precedence: precedence }),
        ...(roleArn === undefined ? {} : { RoleArn: roleArn }),
      })),
    }
  },
)

export const exportUsers = defineCommand(
  z.strictObject({
    userPool: userPoolSelector,
    limit: z.int().min(1).max(500),
    after: z.string().max(512).optional(),
  }),
  async (administration, { userPool: selector, limit, after }) => {
    const userPool = requireUserPool(administration, selector)
    const { users, next } = await exportPage(administration.domain, userPool, { limit, after })
    return { Users: users, ...(next === undefined ? {} : { NextToken: next }) }
  },
)
