import { BaseSequencer } from 'vitest/node'
import type { TestSpecification } from 'vitest/node'

/** Those that take longest, so that no worker is left alone with one of them at the end; in order. */
const longest = [
  'test/cli/audit.test.ts',
  'test/cli/embedded.test.ts',
  'test/cli/postgres.test.ts',
  'test/conformance/page-parameters.test.ts',
  'test/stories/odd-paths/link-at-the-browser.test.ts',
  'test/attacks/b13-enumeration.test.ts',
  'test/stories/odd-paths/at-the-browser.test.ts',
  'test/stories/odd-paths/restarted.test.ts',
  'test/conformance/redirect-uris.test.ts',
  'test/stories/accessibility.test.ts',
  'test/stories/crash.test.ts',
  'test/stories/staying-signed-in.test.ts',
  'test/stories/browser.test.ts',
]

const placeOf = ({ moduleId }: TestSpecification): number => {
  const place = longest.findIndex((file) => moduleId.endsWith(file))
  return place === -1 ? longest.length : place
}

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    return sorted.toSorted((one, other) => placeOf(one) - placeOf(other))
  }
}
