import type { DomainServices } from '../ports/services.ts'
import type { AuditPageRequest } from '../ports/audit-trail-repository.ts'
import { sha256 } from '../../security/digest.ts'
import type { LinkedAuditEvent } from './audit-event.ts'

export type AuditQuery = Omit<AuditPageRequest, 'after'> & {
  /** What the page before ended with. */
  token?: string
}

export type AuditPage =
  | { kind: 'done'; events: readonly LinkedAuditEvent[]; nextToken?: string }
  /** Not a token of this very list. */
  | { kind: 'refused'; reason: 'invalidToken' }

/** A page of events, by time. What waits to be linked is not among them. */
export async function listAuditEvents(
  services: Pick<DomainServices, 'store' | 'sealedBox'>,
  { token, ...query }: AuditQuery,
): Promise<AuditPage> {
  const after = token === undefined ? undefined : openToken(services, query, token)
  if (token !== undefined && after === undefined) return { kind: 'refused', reason: 'invalidToken' }
  const { limit } = query
  const request = { ...query, limit: limit + 1, ...(after === undefined ? {} : { after }) }
  const events = await services.store.auditTrail.page(request)
  const last = events[limit - 1]
  const page = { kind: 'done', events: events.slice(0, limit) } as const
  return events.length > limit && last !== undefined ? { ...page, nextToken: sealToken(services, query, last) } : page
}

type Sealing = Pick<DomainServices, 'sealedBox'>
type Filters = Omit<AuditPageRequest, 'after'>

const tokenPurpose = 'audit page'

/** Which list a token belongs to: all but how much of it a page shows. */
const listOf = ({ limit: _, ...filters }: Filters): string =>
  sha256(JSON.stringify(Object.entries(filters).toSorted(([a], [b]) => a.localeCompare(b))))

const sealToken = ({ sealedBox }: Sealing, query: Filters, { at, sequence }: LinkedAuditEvent): string =>
  sealedBox.seal(JSON.stringify({ list: listOf(query), at: at.toISOString(), sequence }), tokenPurpose)

/** Sealed, so that nobody makes one: it goes into a query (threat row F4). */
function openToken({ sealedBox }: Sealing, query: Filters, token: string): AuditPageRequest['after'] {
  try {
    const { list, at, sequence } = JSON.parse(sealedBox.open(token, tokenPurpose)) as Record<string, unknown>
    return list === listOf(query) ? { at: new Date(String(at)), sequence: Number(sequence) } : undefined
  } catch {
    return undefined
  }
}
