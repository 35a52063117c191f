import { standardAttributeNames } from '../users/attribute-schema.ts'
import type { ImportRow } from './import-row.ts'

/* The file of Cognito's CreateUserImportJob: a line of column names (GetCSVHeader), then a user a line. */

const ownColumns = ['cognito:username', 'cognito:mfa_enabled', 'password_hash']

/**
 * @returns the columns, or what is wrong with them
 */
export function csvColumns(line: string): { columns: readonly string[] } | { problem: string } {
  const columns = csvFields(line.replace(/^\u{FEFF}/u, '')).map((name) => name.trim())
  const known = new Set<string>([...ownColumns, ...standardAttributeNames])
  const unknown = columns.filter((name) => !known.has(name) && !name.startsWith('custom:'))
  if (unknown.length > 0) return { problem: `there is no column ${unknown.join(', ')}` }
  const twice = columns.find((name, index) => columns.indexOf(name) !== index)
  return twice === undefined ? { columns } : { problem: `the column ${twice} is there twice` }
}

/** @returns the user of a line, or what is wrong with it */
export function csvUser(columns: readonly string[], line: string): { user: ImportRow } | { problem: string } {
  const fields = csvFields(line)
  if (fields.length !== columns.length) {
    return {
      problem: `has ${fields.length} fields for ${columns.length} columns: a comma within one is written as \\,`,
    }
  }
  const values = new Map(columns.map((name, index) => [name, fields[index]?.trim() ?? '']))
  const attributes = [...values].filter(([name, value]) => !ownColumns.includes(name) && value !== '')
  const [username, hash] = [values.get('cognito:username'), values.get('password_hash')]
  const hasSms = values.get('cognito:mfa_enabled')?.toLowerCase() === 'true'
  return {
    user: {
      ...(username ? { Username: username } : {}),
      Attributes: Object.fromEntries(attributes.map(([name, value]) => [name, attributeValue(name, value)])),
      ...(hash ? { PasswordHash: hash } : {}),
      ...(hasSms && values.get('phone_number') ? { UserMFASettingList: ['SMS_MFA'] } : {}),
    },
  }
}

/** Dates as Cognito's file has them, mm/dd/yyyy, and true and false in any case. */
function attributeValue(name: string, value: string): string {
  if (name.endsWith('_verified')) return value.toLowerCase()
  const [, month, day, year] = /^(\d\d)\/(\d\d)\/(\d{4})$/.exec(name === 'birthdate' ? value : '') ?? []
  return year === undefined ? value : `${year}-${month}-${day}`
}

/** A comma within a field comes after a backslash; fields in quotes (RFC 4180) are read as well. */
function csvFields(line: string): readonly string[] {
  const fields: string[] = []
  const field = /(?:"((?:[^"]|"")*)"|((?:\\[\\,]|[^,])*))(,|$)/gy
  for (;;) {
    const [, quoted, plain = '', end] = field.exec(line) ?? []
    fields.push(quoted?.replaceAll('""', '"') ?? plain.replaceAll(/\\([\\,])/g, '$1'))
    if (end !== ',') return fields
  }
}
