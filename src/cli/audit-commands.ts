import { once } from 'node:events'
import type { Command } from 'commander'
import type { TrailReport, AuditEventView } from '../app/administration/audit-view.ts'
import { CommandFailure } from '../app/administration/command-failure.ts'
import type { InputOf } from '../app/administration/commands.ts'
import type { Cli } from './cli.ts'
import { inPool } from './on-client.ts'
import type { Run } from './on-database.ts'
import { table } from './printable.ts'
import { wholeNumber } from './whole-number.ts'

interface FilterOptions {
  pool?: string
  user?: string
  client?: string
  event?: string
  outcome?: string
  from?: string
  to?: string
  address?: string
}

type ListInput = InputOf<'audit.list'>

/** `latchkey audit …`: who did what, from where, with what outcome. */
export function addAuditCommands(program: Command, cli: Cli): void {
  const audit = program.command('audit').description('the audit trail of a user pool: who did what, from where')
  filtered(audit.command('list', { isDefault: true }).description('list events, newest first (the default)'))
    .option('--oldest-first', 'oldest first')
    .option('--limit <number>', 'how many at most, up to 1000', wholeNumber, 60)
    .option('--after <token>', 'go on behind the page that ended with this NextToken')
    .action(async (options: FilterOptions & { oldestFirst?: boolean; limit: number; after?: string }) => {
      const { oldestFirst, limit, after } = options
      const page = await cli.run('audit.list', { ...filtersOf(options), oldestFirst, limit, after })
      cli.answer(page, ({ AuditEvents: events, NextToken }) => {
        const more = NextToken === undefined ? '' : `\n\nMore: --after ${NextToken}`
        return events.length === 0 ? 'No events.' : `${eventTable(events)}${more}`
      })
    })
  inPool(audit.command('verify').description('find out whether the trail was changed, and print its head'))
    .option('--head <head>', 'a head that was written down: proves that what it stands for was not rewritten')
    .action(async ({ pool, head }: { pool?: string; head?: string }) => {
      const report = await cli.session((run) => verify(run, { userPool: pool, head }))
      cli.answer(report, describe)
      if (report.Problem !== undefined) {
        throw new CommandFailure('refused', `The audit trail of ${report.UserPoolId} was changed.`)
      }
      if (head !== undefined && report.GivenHead !== 'matched') {
        throw new CommandFailure('notFound', 'The given head is older than what is kept: it proves nothing any more.')
      }
    })
  filtered(audit.command('export').description('print all events as lines of JSON, oldest first')).action(
    (options: FilterOptions) => cli.session((run) => exportEvents(run, filtersOf(options))),
  )
}

const filtered = (command: Command): Command =>
  inPool(command)
    .option('--user <name>', 'of one user, by any sign-in name or by sub')
    .option('--client <client-id>', 'through one app client')
    .option('--event <type>', 'of one type, such as SignIn')
    .option('--outcome <outcome>', 'Pass, Fail or InProgress')
    .option('--from <time>', 'at this time or later, such as 2026-11-25T09:30:00Z')
    .option('--to <time>', 'before this time')
    .option('--address <ip>', 'from one IP address')

const outcomes: Readonly<Record<string, NonNullable<ListInput['response']>>> = {
  pass: 'Pass',
  fail: 'Fail',
  inprogress: 'InProgress',
}

function filtersOf({ pool, user, client, event, outcome, from, to, address }: FilterOptions): ListInput {
  const response = outcome === undefined ? undefined : outcomes[outcome.toLowerCase()]
  if (outcome !== undefined && response === undefined) {
    throw new CommandFailure('usage', '--outcome is Pass, Fail or InProgress.')
  }
  const eventType = event as ListInput['eventType']
  return { userPool: pool, username: user, clientId: client, eventType, response, from, to, address }
}

/** Part by part, so that neither a lock nor an answer takes long. */
async function verify(run: Run, request: { userPool: string | undefined; head: string | undefined }) {
  let report: TrailReport = await run('audit.verify', request)
  let { Events: events, GivenHead: givenHead } = report
  while (report.From !== undefined && report.Problem === undefined) {
    report = await run('audit.verify', { ...request, from: report.From })
    events += report.Events
    givenHead ??= report.GivenHead
  }
  const { From: _, ...whole } = report
  return { ...whole, Events: events, ...(givenHead === undefined ? {} : { GivenHead: givenHead }) }
}

function describe(report: TrailReport): string {
  const { UserPoolId: userPoolId, Events: events, BeginsBehind: behind, Head: head, GivenHead: given } = report
  const sound = `${userPoolId}: ${events === 1 ? '1 event' : `${events} events`}, as written.`
  const gone = behind === 0 ? [] : [`Those up to number ${behind} are gone: they were as old as they are kept.`]
  if (report.Explanation !== undefined) return [sound, ...gone, report.Explanation].join('\n')
  return [
    sound,
    ...gone,
    ...(given === 'matched' ? ['What the given head stands for was not rewritten.'] : []),
    ...(head === undefined ? [] : [`Head: ${head}`]),
  ].join('\n')
}

async function exportEvents(run: Run, filters: ListInput): Promise<void> {
  let after: string | undefined
  do {
    const page = await run('audit.list', { ...filters, oldestFirst: true, limit: 1000, after })
    const lines = page.AuditEvents.map((event) => `${JSON.stringify(event)}\n`).join('')
    if (lines !== '' && !process.stdout.write(lines)) await once(process.stdout, 'drain')
    after = page.NextToken
  } while (after !== undefined)
}

const eventTable = (events: readonly AuditEventView[]): string =>
  table(
    ['TIME', 'EVENT', 'OUTCOME', 'USER', 'BY', 'CLIENT', 'ADDRESS', 'MORE'],
    events.map((event) => [
      event.CreationDate,
      event.EventType,
      event.EventResponse,
      event.Username ?? subjectText(event.Subject),
      [event.Actor, event.Operator].filter(Boolean).join(' '),
      event.ClientId ?? '',
      event.IpAddress ?? '',
      moreText(event),
    ]),
  )

/** Enough of a digest to tell one unknown name from another. */
const subjectText = (subject = ''): string => (subject.startsWith('name:') ? `${subject.slice(0, 15)}…` : subject)

const moreText = ({ Reason, Detail }: AuditEventView): string =>
  [Reason ?? '', Detail === undefined ? '' : JSON.stringify(Detail)].filter((text) => text !== '').join(' ')
