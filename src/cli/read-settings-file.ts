import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { parse } from 'yaml'
import { CommandFailure } from '../app/administration/command-failure.ts'

/**
 * Settings in Cognito's member names, as YAML or JSON.
 * @param file `-` for standard input; absent: no settings
 * @throws CommandFailure usage
 */
export async function readSettingsFile(file: string | undefined): Promise<Record<string, unknown>> {
  if (file === undefined) return {}
  const settings = await readDocument(file)
  if (typeof settings === 'object' && settings !== null && !Array.isArray(settings)) {
    return settings as Record<string, unknown>
  }
  throw new CommandFailure('usage', `--settings: ${file} does not hold members and their values.`)
}

async function readDocument(file: string): Promise<unknown> {
  try {
    return parse(file === '-' ? await text(process.stdin) : await readFile(file, 'utf8'))
  } catch (error) {
    throw new CommandFailure('usage', `--settings: ${file} cannot be read: ${(error as Error).message}`, {
      cause: error,
    })
  }
}
