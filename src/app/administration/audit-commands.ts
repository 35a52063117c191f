import { z } from 'zod'
import { headText, parseHead } from '../../domain/audit/audit-chain.ts'
import { auditEventTypes } from '../../domain/audit/audit-event.ts'
import { linkWaitingEvents } from '../../domain/audit/link-events.ts'
import { listAuditEvents } from '../../domain/audit/list-events.ts'
import { subjectsOf, usernamesOf } from '../../domain/audit/subjects.ts'
import { verifyTrail } from '../../domain/audit/verify-trail.ts'
import type { VerifiedPart } from '../../domain/audit/verify-trail.ts'
import type { DomainServices } from '../../domain/ports/services.ts'
import type { UserPool } from '../../domain/user-pools/user-pool.ts'
import { defineCommand } from './administration.ts'
import type { Administration } from './administration.ts'
import { auditEventView, explainProblem } from './audit-view.ts'
import type { AuditEventView, TrailReport } from './audit-view.ts'
import { CommandFailure } from './command-failure.ts'
import { requireUserPool, userPoolSelector } from './find.ts'
import { given } from './given.ts'

/** With the offset, or in UTC; a date alone is its midnight there. */
const time = z
  .union([z.iso.datetime({ offset: true }), z.iso.date()], {
    error: 'must be a time such as 2026-11-25T09:30:00Z, or a date',
  })
  .transform((text) => new Date(text))

/** What happened, newest first unless told otherwise; like Cognito's AdminListUserAuthEvents, but of everything. */
export const listAuditEventsCommand = defineCommand(
  z.strictObject({
    userPool: userPoolSelector,
    /** Any sign-in name, or the sub; also of somebody who is not there any more, or never was. */
    username: z.string().min(1).max(256).optional(),
    clientId: z.string().min(1).max(128).optional(),
    eventType: z.enum(auditEventTypes).optional(),
    response: z.enum(['Pass', 'Fail', 'InProgress']).optional(),
    from: time.optional(),
    to: time.optional(),
    address: z.string().min(1).max(64).optional(),
    limit: z.int().min(1).max(1000).default(60),
    oldestFirst: z.boolean().default(false),
    after: z.string().max(2048).optional(),
  }),
  async (administration, input): Promise<{ AuditEvents: AuditEventView[]; NextToken?: string }> => {
    const { domain, directory } = administration
    const userPoolId = await requireTrail(administration, input.userPool)
    const userPool = directory.byId(userPoolId)
    await linkWaitingEvents(domain, { wait: true })
    const { username, after: token, userPool: _, eventType, ...rest } = input
    const filters = { ...rest, ...(eventType === undefined ? {} : { eventTypes: [eventType] }) }
    const subjects = username === undefined ? undefined : await namedBy(domain, userPool, username)
    const page = await listAuditEvents(domain, given({ ...filters, userPoolId, subjects, token }))
    if (page.kind === 'refused') {
      throw new CommandFailure('usage', '--after is not the NextToken of a list with these options.')
    }
    const names = userPool === undefined ? new Map<string, string>() : await usernamesOf(domain, userPool, page.events)
    const { events, nextToken } = page
    return {
      AuditEvents: events.map((event) => auditEventView(event, names)),
      ...(nextToken === undefined ? {} : { NextToken: nextToken }),
    }
  },
)

const position = z.strictObject({ number: z.int().min(0), sequence: z.int().min(0), digest: z.string().max(64) })

/**
 * Verifies a part of a trail, from `from` on. What the trail was found to be changed in is an answer, not a failure: whoever asks
 * decides what that means.
 */
export const verifyAuditTrailCommand = defineCommand(
  z.strictObject({ userPool: userPoolSelector, head: z.string().max(64).optional(), from: position.optional() }),
  async (administration, input): Promise<TrailReport> => {
    const { domain } = administration
    const userPoolId = await requireTrail(administration, input.userPool)
    if (input.from === undefined) await linkWaitingEvents(domain, { wait: true })
    const head = input.head === undefined ? undefined : parseHead(input.head)
    if (input.head !== undefined && head === undefined) {
      throw new CommandFailure('usage', '--head must be a head as `latchkey audit verify` prints it.')
    }
    return report(userPoolId, await verifyTrail(domain, given({ userPoolId, from: input.from, head })))
  },
)

function report(userPoolId: string, part: VerifiedPart | undefined): TrailReport {
  if (part === undefined) return { UserPoolId: userPoolId, Events: 0, BeginsBehind: 0 }
  const { position: reached, events, beginsBehind, more, problem, head } = part
  return {
    UserPoolId: userPoolId,
    Events: events,
    BeginsBehind: beginsBehind,
    ...(reached.number === 0 ? {} : { Head: headText(reached) }),
    ...(head === undefined ? {} : { GivenHead: head }),
    ...(problem === undefined ? {} : { Problem: problem, Explanation: explainProblem(problem) }),
    ...(more ? { From: reached } : {}),
  }
}

/** Of a user pool that is gone, only a `sub` means anything. */
const namedBy = (
  domain: DomainServices,
  userPool: UserPool | undefined,
  name: string,
): Promise<readonly string[]> | readonly string[] =>
  userPool === undefined ? [name] : subjectsOf(domain, userPool, name)

/** By id or name, also of a user pool that is gone. @throws CommandFailure notFound */
async function requireTrail(administration: Administration, selector: string | undefined): Promise<string> {
  const { directory, domain } = administration
  const known =
    selector === undefined ||
    directory.byId(selector) !== undefined ||
    directory.all().some(({ name }) => name === selector)
  if (known) return requireUserPool(administration, selector).id
  await linkWaitingEvents(domain, { wait: true })
  const start = (await domain.store.auditTrail.starts()).find(({ userPoolId }) => userPoolId === selector)
  return start?.userPoolId ?? requireUserPool(administration, selector).id
}
