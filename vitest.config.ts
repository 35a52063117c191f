import { defineConfig } from 'vitest/config'
import { LongestFirst } from './test/support/longest-first.ts'
import { SummaryReporter } from './test/support/summary-reporter.ts'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    reporters: ['default', new SummaryReporter()],
    pool: 'forks',
    sequence: { sequencer: LongestFirst },
    // An embedded database costs half a gigabyte a worker, a browser as much again.
    maxWorkers: 2,
    fileParallelism: true,
    // Loading and warming up the whole server anew for each file took a third of the time; memory stays at a gigabyte a worker.
    isolate: false,
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
})
