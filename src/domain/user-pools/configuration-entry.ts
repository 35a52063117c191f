import { isDeepStrictEqual } from 'node:util'
import type { AuditEntry } from '../audit/record.ts'

/** What the audit trail says of one thing that the configuration made or changed: which members, never their values. */
export function changeEntry(
  userPoolId: string,
  what: 'UserPool' | 'AppClient' | 'ResourceServer' | 'Group',
  before: object | undefined,
  after: object,
  name: Readonly<Record<string, string>> = {},
): AuditEntry {
  if (before === undefined) return { userPoolId, eventType: `${what}Create`, detail: name }
  return { userPoolId, eventType: `${what}Update`, detail: { ...name, members: changedMembers(before, after) } }
}

/** Settings are told one by one. */
function changedMembers(before: object, after: object): readonly string[] {
  const [from, to] = [flat(before), flat(after)]
  const names = new Set([...Object.keys(from), ...Object.keys(to)].filter((name) => name !== 'version'))
  return [...names].filter((name) => !isDeepStrictEqual(from[name], to[name])).toSorted()
}

const flat = (record: object): Record<string, unknown> => {
  const { settings, ...members } = record as Record<string, unknown>
  return { ...members, ...(settings as Record<string, unknown> | undefined) }
}
