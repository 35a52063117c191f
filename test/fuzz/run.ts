import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

/*
 * The properties of this folder, for longer than `npm test` runs them, and on both databases.
 *
 *   npm run fuzz -- --minutes 5
 *   npm run fuzz -- --minutes 30 --only people --database postgres
 */

const { values: options } = parseArgs({
  options: {
    minutes: { type: 'string', default: '5' },
    only: { type: 'string', default: '' },
    database: { type: 'string' },
  },
})
const minutes = Number(options.minutes)
if (!(minutes > 0 && minutes <= 24 * 60)) throw new Error('--minutes must be a number from 1 to 1440')
if (!['', 'endpoints', 'people'].includes(options.only)) throw new Error('--only must be endpoints or people')
if (!['embedded', 'postgres', undefined].includes(options.database)) {
  throw new Error('--database must be embedded or postgres')
}

// The two properties run side by side, each on one database after the other.
const seconds = Math.ceil((minutes * 60) / (options.database === undefined ? 2 : 1))
const vitest = join(import.meta.dirname, '..', '..', 'node_modules', 'vitest', 'vitest.mjs')
const files = ['run', join('test', 'fuzz', options.only), '--disable-console-intercept', '--reporter=verbose']
const child = spawn(process.execPath, [vitest, ...files], {
  stdio: 'inherit',
  env: {
    ...process.env,
    FUZZ_SECONDS: String(seconds),
    ...(options.database === undefined ? {} : { FUZZ_DATABASE: options.database }),
  },
})
child.on('exit', (code) => {
  process.exitCode = code ?? 1
})
