import type { FailureReason } from '../app/administration/command-failure.ts'

/** What the process ends with: part of the contract with scripts, told by `--help`. */
export const exitStatus: Readonly<Record<'done' | FailureReason, number>> = {
  done: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  refused: 4,
  unreachable: 5,
}

export const exitStatusHelp = `
Exit status:
  0  done
  1  failed, or the configuration has problems
  2  the command line was not understood
  3  what was named is not there
  4  refused: a policy, a name that is taken, a confirmation that was not given; an audit trail that was changed
  5  in use or not reachable: the database, the port, the running server`
