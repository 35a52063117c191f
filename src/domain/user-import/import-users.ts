import { record } from '../audit/record.ts'
import type { DomainServices } from '../ports/services.ts'
import type { Repositories } from '../ports/store.ts'
import type { ImportedUser, NameHolder, RefusedRow } from '../ports/user-import-repository.ts'
import type { UserPool } from '../user-pools/user-pool.ts'
import { importRow, rowProblem } from './import-row.ts'
import { prepareUser, RowRefused } from './prepare-user.ts'

/* Users of another place, many at once: what Cognito's CreateUserImportJob does, for hashes and factors as well. */

/** Each costs a check of its own at every sign-in, whoever it is (threat row B14). */
const maximumForms = 8

/** For how long it is known what became of an import, and it can be taken up again: thirty days. */
export const keptImportSeconds = 30 * 24 * 3600

/** A row of a file, by its line or place: what it says, or why that cannot be read. */
export type NumberedRow = { row: number; user: unknown } | { row: number; problem: string }

export interface BatchOutcome {
  imported: readonly { row: number; keys: readonly string[] }[]
  refused: readonly RefusedRow[]
}

/** Somebody else imports the same file: what was to be written is not. */
export class ImportOvertaken extends Error {}

interface Prepared {
  row: number
  username?: string
  made: ImportedUser
}

/** What a batch would come to. Writes nothing. */
export async function checkBatch(
  services: DomainServices,
  userPool: UserPool,
  rows: readonly NumberedRow[],
): Promise<BatchOutcome> {
  const sorted = await sortRows(services, services.store, userPool, rows)
  return outcomeOf(sorted.fit, sorted.refused)
}

/**
 * Imports a batch and notes how far the file is done, all in one transaction: an import that is broken off goes on behind it.
 * @param progress.from rows of the file that were done before
 * @throws ImportOvertaken
 */
export async function importBatch(
  services: DomainServices,
  userPool: UserPool,
  rows: readonly NumberedRow[],
  progress: { fileHash: string; from: number },
): Promise<BatchOutcome> {
  const prepared = prepareRows(services, userPool, rows)
  return services.store.transaction(async (tx) => {
    const sorted = await settle(tx, userPool, prepared)
    const lost = await write(services, tx, userPool, sorted)
    const outcome = outcomeOf(
      sorted.fit.filter(({ made }) => !lost.has(made.user.sub)),
      [...sorted.refused, ...sorted.fit.filter(({ made }) => lost.has(made.user.sub)).map((row) => refuse(row, taken))],
    )
    await note(tx, userPool, progress, rows.length, outcome)
    return outcome
  })
}

const taken = 'the name is another user’s'

function outcomeOf(fit: readonly Prepared[], refused: readonly RefusedRow[]): BatchOutcome {
  const imported = fit.map(({ row, made }) => ({ row, keys: made.user.identifiers.map(({ key }) => key) }))
  return { imported, refused: refused.toSorted((one, other) => one.row - other.row) }
}

async function note(
  tx: Repositories,
  { id: userPoolId }: UserPool,
  { fileHash, from }: { fileHash: string; from: number },
  rows: number,
  outcome: BatchOutcome,
): Promise<void> {
  const before = await tx.userImports.find(userPoolId, fileHash)
  if (before === undefined) throw new ImportOvertaken()
  const moved = await tx.userImports.advance({
    ...before,
    from,
    rowsDone: from + rows,
    imported: before.imported + outcome.imported.length,
    refused: before.refused + outcome.refused.length,
    latestRefused: outcome.refused,
  })
  if (!moved) throw new ImportOvertaken()
}

/** @returns who lost a name to somebody at the same moment */
async function write(
  services: DomainServices,
  tx: Repositories,
  userPool: UserPool,
  { fit, replaced }: Sorted,
): Promise<ReadonlySet<string>> {
  if (fit.length === 0) return new Set()
  const at = services.clock.now()
  const forms = new Set(fit.flatMap(({ made }) => made.user.passwordForm ?? []))
  if (forms.size > 0) await tx.settings.addPasswordForms(userPool.id, [...forms], at)
  if (replaced.length > 0) await tx.userImports.deleteUnconfirmed(userPool.id, replaced)
  const lost = await tx.userImports.add(
    userPool.id,
    fit.map(({ made }) => made),
    at,
  )
  await record(
    services,
    tx,
    ...replaced.map((userSub) => ({
      userPoolId: userPool.id,
      eventType: 'UserDelete' as const,
      userSub,
      detail: { by: 'UserImport' },
    })),
    ...fit
      .filter(({ made }) => !lost.has(made.user.sub))
      .map(({ made: { user, groups } }) => ({
        userPoolId: userPool.id,
        eventType: 'UserCreate' as const,
        userSub: user.sub,
        detail: { status: user.status, by: 'UserImport', ...(groups.length === 0 ? {} : { groups }) },
      })),
  )
  return lost
}

interface Sorted {
  fit: readonly Prepared[]
  refused: readonly RefusedRow[]
  /** Sign-ups that were never confirmed, and have a name of somebody who comes. */
  replaced: readonly string[]
}

const sortRows = (
  services: DomainServices,
  reads: Pick<Repositories, 'userImports' | 'groups'>,
  userPool: UserPool,
  rows: readonly NumberedRow[],
): Promise<Sorted> => settle(reads, userPool, prepareRows(services, userPool, rows))

interface PreparedRows {
  fit: readonly Prepared[]
  refused: readonly RefusedRow[]
}

/** What can be told of the rows by themselves, and beside each other. */
function prepareRows(services: DomainServices, userPool: UserPool, rows: readonly NumberedRow[]): PreparedRows {
  const fit: Prepared[] = []
  const refused: RefusedRow[] = []
  const seen = new Map<string, number>()
  const forms = new Set(userPool.passwordForms)
  for (const numbered of rows) {
    const { row } = numbered
    const user = 'user' in numbered ? numbered.user : undefined
    try {
      if ('problem' in numbered) throw new RowRefused(numbered.problem)
      const prepared = prepareRow(services, userPool, row, user)
      const names = [...prepared.made.user.identifiers.map(({ key }) => key), `sub ${prepared.made.user.sub}`]
      const earlier = names.map((name) => seen.get(name)).find((found) => found !== undefined)
      if (earlier !== undefined) throw new RowRefused(`the name is that of row ${earlier}`)
      const { passwordForm: form } = prepared.made.user
      if (form !== undefined && !forms.has(form) && forms.size >= maximumForms) {
        throw new RowRefused(`PasswordHash: one kind more than the ${maximumForms} that a user pool may have at once`)
      }
      if (form !== undefined) forms.add(form)
      for (const name of names) seen.set(name, row)
      fit.push(prepared)
    } catch (error) {
      if (!(error instanceof RowRefused)) throw error
      refused.push(refuse({ row, ...usernameIn(user) }, error.message))
    }
  }
  return { fit, refused }
}

function prepareRow(services: DomainServices, userPool: UserPool, row: number, user: unknown): Prepared {
  const checked = importRow.safeParse(user)
  if (!checked.success) throw new RowRefused(rowProblem(checked.error.issues))
  return { row, ...usernameIn(user), made: prepareUser(services, userPool, checked.data) }
}

/** What tells its owner which row it is. */
function usernameIn(user: unknown): { username?: string } {
  const { Username: username } = (user ?? {}) as { Username?: unknown }
  return typeof username === 'string' ? { username: username.slice(0, 256) } : {}
}

const refuse = ({ row, username }: { row: number; username?: string }, reason: string): RefusedRow => ({
  row,
  ...(username === undefined ? {} : { username }),
  reason,
})

/** Beside those who are there. Two queries, however many rows. */
async function settle(
  reads: Pick<Repositories, 'userImports' | 'groups'>,
  userPool: UserPool,
  { fit, refused }: PreparedRows,
): Promise<Sorted> {
  if (fit.length === 0) return { fit, refused, replaced: [] }
  const keys = fit.flatMap(({ made }) => made.user.identifiers.map(({ key }) => key))
  const subs = fit.map(({ made }) => made.user.sub)
  const holders = await reads.userImports.holders(userPool.id, keys, subs)
  const groups = fit.some(({ made }) => made.groups.length > 0)
    ? new Set((await reads.groups.list(userPool.id)).map(({ name }) => name))
    : new Set<string>()
  const problems = new Map(fit.map((prepared) => [prepared, problemOf(prepared.made, holders, groups)]))
  const stays = fit.filter((prepared) => problems.get(prepared) === undefined)
  const wanted = new Set(stays.flatMap(({ made }) => made.user.identifiers.map(({ key }) => key)))
  return {
    fit: stays,
    refused: [
      ...refused,
      ...fit.flatMap((prepared) => {
        const problem = problems.get(prepared)
        return problem === undefined ? [] : [refuse(prepared, problem)]
      }),
    ],
    replaced: holders
      .filter((holder) => isNobodys(holder) && holder.keys.some((key) => wanted.has(key)))
      .map(({ sub }) => sub),
  }
}

/** Anybody can sign up with somebody's address before they come: whoever imports knows better. */
const isNobodys = ({ status }: NameHolder): boolean => status === 'UNCONFIRMED'

function problemOf(
  { user, groups: wanted }: ImportedUser,
  holders: readonly NameHolder[],
  groups: ReadonlySet<string>,
): string | undefined {
  const absent = wanted.find((name) => !groups.has(name))
  if (absent !== undefined) return `Groups: there is no group ${absent}`
  if (holders.some(({ sub }) => sub === user.sub)) return 'Sub: there is a user with this one already'
  const keys = new Set(user.identifiers.map(({ key }) => key))
  const isTaken = holders.some((holder) => !isNobodys(holder) && holder.keys.some((key) => keys.has(key)))
  return isTaken ? taken : undefined
}
