import fc from 'fast-check'
import type { IAsyncProperty } from 'fast-check'
import { databaseKinds } from '../support/server.ts'
import type { DatabaseKind } from '../support/server.ts'

/*
 * How long and from where a property is run. `npm test` takes a few runs of a fresh seed; `npm run fuzz` goes on for
 * minutes, on both databases. A failure prints the two variables that lead to it again.
 */

const number = (name: string): number | undefined => {
  const text = process.env[name]
  if (text === undefined || text === '') return undefined
  if (!/^-?\d+$/.test(text)) throw new Error(`${name} must be a whole number`)
  return Number(text)
}

const seconds = number('FUZZ_SECONDS')
const [path, replayPath] = (process.env['FUZZ_PATH'] ?? '').split('/')
const baseSeed = number('FUZZ_SEED') ?? Date.now() % 2 ** 31

/** Databases that the properties run on. */
export const fuzzedDatabases: readonly DatabaseKind[] =
  seconds === undefined && process.env['FUZZ_DATABASE'] === undefined
    ? ['embedded']
    : databaseKinds.filter((kind) => (process.env['FUZZ_DATABASE'] ?? kind) === kind)

/** For a whole property, finding the smallest counter-example included. */
export const fuzzTimeoutMs = ((seconds ?? 0) + 600) * 1000

/** For `fc.commands`, whose shrinking has a path of its own. */
export const commandReplay = replayPath === undefined || replayPath === '' ? {} : { replayPath }

/**
 * Runs a property until it fails or its time is over; a round that has begun is finished.
 * @param options.runs of a short run; a round of a long one has a quarter of them
 */
export async function checkProperty<T>(
  name: string,
  property: IAsyncProperty<T>,
  options: { runs: number; progress: () => string },
): Promise<void> {
  const { runs, progress } = options
  if (path !== undefined && path !== '') return checkOnce(name, property, { seed: baseSeed, path, endOnFailure: true })
  if (seconds === undefined) {
    await checkOnce(name, property, { seed: baseSeed, numRuns: runs })
    console.log(`fuzz ${name}: ${runs} runs, ${progress()}, FUZZ_SEED=${baseSeed}`)
    return
  }
  const numRuns = Math.ceil(runs / 4)
  const began = Date.now()
  let told = 0
  for (let round = 0; Date.now() < began + seconds * 1000; round += 1) {
    const seed = baseSeed + round
    const passed = Math.round((Date.now() - began) / 1000)
    if (passed >= told + progressSeconds || round === 0) {
      console.log(`fuzz ${name}: ${passed} of ${seconds} s, ${round * numRuns} runs, ${progress()}, FUZZ_SEED=${seed}`)
      told = passed
    }
    await checkOnce(name, property, { seed, numRuns })
  }
  console.log(`fuzz ${name}: done, ${progress()}`)
}

const progressSeconds = 15

async function checkOnce<T>(name: string, property: IAsyncProperty<T>, parameters: fc.Parameters<T>): Promise<void> {
  const details = await fc.check(property, parameters)
  if (!details.failed) return
  const commands = /replayPath="([^"]*)"/.exec(fc.stringify(details.counterexample))?.[1]
  const where = [details.counterexamplePath, ...(commands === undefined ? [] : [commands])].join('/')
  const again = `FUZZ_SEED=${details.seed} FUZZ_PATH='${where}'`
  throw new Error(`fuzz ${name}: to see it again, ${again}\n${await fc.asyncDefaultReportMessage(details)}`, {
    cause: details.errorInstance,
  })
}
