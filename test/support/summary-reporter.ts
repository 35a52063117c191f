import { writeSync } from 'node:fs'
import type { Reporter, TestModule } from 'vitest/node'

interface Counts {
  passed: number
  failed: number
  skipped: number
}

/**
 * Closes a run with one plain line, `N passed, N failed, N skipped`, for readers that do not know Vitest's own.
 * It is written when the process ends, after everything else. A run that fails without a failed test (a file that does
 * not load, an unhandled rejection, a broken setup) counts a failure, so the line never looks better than the exit code.
 */
export class SummaryReporter implements Reporter {
  #counts: Counts = { passed: 0, failed: 0, skipped: 0 }

  onInit(): void {
    process.once('exit', (code) => {
      const { passed, failed, skipped } = this.#counts
      const failures = failed === 0 && code !== 0 ? 1 : failed
      writeSync(1, `${passed} passed, ${failures} failed, ${skipped} skipped\n`)
    })
  }

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    this.#counts = { passed: 0, failed: unhandledErrors.length, skipped: 0 }
    for (const module of modules) this.#count(module)
  }

  #count(module: TestModule): void {
    let failedTests = 0
    for (const test of module.children.allTests()) {
      const { state } = test.result()
      if (state === 'passed') this.#counts.passed++
      else if (state === 'skipped') this.#counts.skipped++
      else failedTests++ // a test left pending never finished
    }
    const failedOutsideTests = failedTests === 0 && module.state() === 'failed'
    this.#counts.failed += failedTests + (failedOutsideTests ? 1 : 0)
  }
}
