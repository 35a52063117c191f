import { readFileSync } from 'node:fs'

/**
 * When a process began, in clock ticks since the system's start (proc(5), field 22 of `stat`); undefined where the
 * system does not tell, or there is no such process.
 */
export function processStart(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The second field, the command's name in parentheses, may hold blanks and parentheses itself.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  } catch {
    return undefined
  }
}

/** Whether the process that had this number when `start` was noted still runs. */
export function isSameProcess(pid: number, start: string | undefined): boolean {
  if (!isRunning(pid)) return false
  const current = processStart(pid)
  return start === undefined || current === undefined || current === start
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM' // there, but somebody else's
  }
}
