import { readFileSync } from 'node:fs'
import { findPackageJSON } from 'node:module'

/** Of this release, from the nearest package.json: the sources and a build lie at different depths below it. */
export function releaseVersion(): string {
  const file = findPackageJSON(import.meta.url)
  if (file === undefined) throw new Error('the package.json of this release is missing')
  const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version: string }
  return version
}
