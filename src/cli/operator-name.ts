import { userInfo } from 'node:os'
import { maximumOperatorLength } from '../app/administration/administration.ts'

/**
 * Who runs this command, for the audit trail: the account of the process, and the one that became it by sudo. It is as true as
 * the environment that it is read from; whoever can run commands could write to the database as well.
 */
export function operatorName(env: NodeJS.ProcessEnv = process.env): string {
  const { SUDO_USER: before } = env
  const name = before === undefined || before === '' ? accountName() : `${accountName()} (sudo by ${before})`
  return name.replaceAll(/[^\x20-\x7e\xa0-\u{10ffff}]/gu, '').slice(0, maximumOperatorLength)
}

/** In a container, an account may have a number and no name. */
function accountName(): string {
  try {
    return userInfo().username
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`
  }
}
