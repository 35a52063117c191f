#!/usr/bin/env node
import { availableParallelism } from 'node:os'

// libuv reads this at its first use. More threads than hashes at once, so that signing a token always finds one (design
// decision 11); hence everything else is imported only after it has been set.
process.env['UV_THREADPOOL_SIZE'] ??= String(availableParallelism() + 4)

const { runCommandLine } = await import('./cli/command-line.ts')
process.exitCode = await runCommandLine(process.argv.slice(2), process.env)
