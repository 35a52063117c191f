import type { SealedBox } from '../../security/sealed-box.ts'

/*
 * What makes a trail tell when it was changed: its events stand in batches, and the digest of each batch takes in the digests
 * of its events, in their order, and that of the batch before. All of them are keyed by the server's secret, so that they
 * cannot be made with the database alone; and whoever has the secret as well cannot change the past without changing the
 * digest of every batch since, one of which an auditor may have written down (decision 16).
 */

export interface AuditBatch {
  userPoolId: string
  /** 1, 2, 3 and so on, without gaps. */
  number: number
  firstSequence: number
  lastSequence: number
  /** The latest time that an event of it tells: it may go when that is old enough. */
  lastAt: Date
  linkedAt: Date
  digest: string
}

/** A batch, and all that is before it: what the next one is linked to. Number 0 is before the first. */
export interface TrailPosition {
  number: number
  sequence: number
  digest: string
}

/** Where a trail begins: at the beginning, or behind what its retention took away. Sealed, so that nobody else can cut there. */
export interface TrailStart extends TrailPosition {
  userPoolId: string
  /** The user pool's setting, as far as it was known when this was sealed; for when the pool is gone. */
  retentionDays: number
  sealedAt: Date
  seal: string
}

type Digesting = Pick<SealedBox, 'digest'>

export const positionOf = ({ number, lastSequence, digest }: AuditBatch): TrailPosition => ({
  number,
  sequence: lastSequence,
  digest,
})

/** @param events digests, in the order of their sequence */
export function linkBatch(
  sealedBox: Digesting,
  previous: TrailPosition,
  batch: Pick<AuditBatch, 'userPoolId' | 'lastAt' | 'linkedAt'>,
  events: readonly string[],
): AuditBatch {
  const number = previous.number + 1
  const firstSequence = previous.sequence + 1
  const lastSequence = previous.sequence + events.length
  const { userPoolId, lastAt, linkedAt } = batch
  const content = [userPoolId, number, firstSequence, lastSequence, lastAt.toISOString(), linkedAt.toISOString()]
  const digest = sealedBox.digest(JSON.stringify([previous.digest, ...content, events]), 'audit batch')
  return { userPoolId, number, firstSequence, lastSequence, lastAt, linkedAt, digest }
}

export function sealStart(sealedBox: Digesting, start: Omit<TrailStart, 'seal'>): TrailStart {
  const { userPoolId, number, sequence, digest, retentionDays, sealedAt } = start
  const content = [userPoolId, number, sequence, digest, retentionDays, sealedAt.toISOString()]
  const seal = sealedBox.digest(JSON.stringify(content), 'audit start')
  return { userPoolId, number, sequence, digest, retentionDays, sealedAt, seal }
}

/** How a position is told to people: `42-3rTd…`. It stands for everything up to it. */
export const headText = ({ number, digest }: Pick<TrailPosition, 'number' | 'digest'>): string => `${number}-${digest}`

/** @returns undefined for what was never a head */
export function parseHead(text: string): Pick<TrailPosition, 'number' | 'digest'> | undefined {
  const [, number, digest] = /^(\d{1,15})-([\w-]{43})$/.exec(text) ?? []
  return number === undefined || digest === undefined ? undefined : { number: Number(number), digest }
}
