import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'

const repository = join(import.meta.dirname, '..', '..')
const { scripts } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>
}

/** Runs what `npm run boundaries` runs, in any directory. */
function checkBoundaries(directory: string) {
  const [command, ...args] = scripts['boundaries']!.split(' ')
  expect(command).toBe('depcruise')
  const cruiser = join(repository, 'node_modules', 'dependency-cruiser', 'bin', 'dependency-cruiser.mjs')
  const { status, stdout, stderr } = spawnSync(process.execPath, [cruiser, ...args], {
    cwd: directory,
    encoding: 'utf8',
  })
  return { status, output: stdout + stderr }
}

/** Checks a repository with our rules and packages, and with these source files only. */
function checkFiles(files: Record<string, string>) {
  const directory = mkdtempSync(join(tmpdir(), 'latchkey-boundaries-'))
  try {
    for (const file of ['.dependency-cruiser.cjs', 'tsconfig.json', 'package.json']) {
      copyFileSync(join(repository, file), join(directory, file))
    }
    for (const part of ['src', 'migrations']) mkdirSync(join(directory, part))
    symlinkSync(join(repository, 'node_modules'), join(directory, 'node_modules'))
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(join(directory, dirname(path)), { recursive: true })
      writeFileSync(join(directory, path), text)
    }
    return checkBoundaries(directory)
  } finally {
    rmSync(directory, { recursive: true })
  }
}

const valueImport = (path: string) => `import { thing } from '${path}'\nexport const other = thing\n`
const typeImport = (path: string) => `import type { Thing } from '${path}'\nexport interface Other { thing: Thing }\n`

const leafFile = 'export const thing = 1\nexport type Thing = 1\n'
const leaves = ['domain/leaf', 'oidc/keys', 'persistence/leaf', 'messaging/leaf', 'app/leaf', 'main']

/** What the planted imports lead to; these files break no rule by themselves. */
const surroundings = {
  ...Object.fromEntries(leaves.map((name) => [`src/${name}.ts`, leafFile])),
  'test/leaf.ts': leafFile,
  'src/domain/cycle-b.ts': valueImport('./cycle-a.ts'),
  'src/domain/type-cycle-b.ts': typeImport('./type-cycle-a.ts'),
}

/** One forbidden import a file: the rule that must name it, the file, what it imports. */
const forbidden: [rule: string, file: string, text: string][] = [
  ['platform-directions', 'src/platform/a.ts', valueImport('../domain/leaf.ts')],
  ['security-directions', 'src/security/a.ts', valueImport('../domain/leaf.ts')],
  ['security-directions', 'src/security/type-only.ts', typeImport('../domain/leaf.ts')],
  ['domain-directions', 'src/domain/users/a.ts', valueImport('../../oidc/keys.ts')],
  ['persistence-directions', 'src/persistence/a.ts', valueImport('../messaging/leaf.ts')],
  ['messaging-directions', 'src/messaging/a.ts', valueImport('../main.ts')],
  ['oidc-directions', 'src/oidc/a.ts', valueImport('../app/leaf.ts')],
  ['hosted-directions', 'src/hosted/a.ts', valueImport('../persistence/leaf.ts')],
  ['hosted-directions', 'src/hosted/login/b.ts', valueImport('../../oidc/keys.ts')],
  ['demo-directions', 'src/demo/a.ts', valueImport('../domain/leaf.ts')],
  ['src-without-tests', 'src/app/a.ts', valueImport('../../test/leaf.ts')],
  ['migrations-stand-alone', 'migrations/0001-a.ts', valueImport('../src/domain/leaf.ts')],
  ['known-parts-only', 'src/utils/a.ts', valueImport('../domain/leaf.ts')],
  ['sql-in-persistence', 'src/domain/sql.ts', "import type { Kysely } from 'kysely'\nexport type A = Kysely<never>\n"],
  ['engine-in-oidc', 'src/hosted/engine.ts', "import { errors } from 'oidc-provider'\nexport const a = errors\n"],
  ['domain-without-http', 'src/domain/http.ts', "import http from 'node:http'\nexport const a = http\n"],
  ['no-development-packages', 'src/app/b.ts', "import { test } from 'vitest'\nexport const a = test\n"],
  ['resolvable', 'src/domain/unresolved.ts', valueImport('./gone.ts')],
  ['no-cycles', 'src/domain/cycle-a.ts', valueImport('./cycle-b.ts')],
  ['no-cycles', 'src/domain/type-cycle-a.ts', typeImport('./type-cycle-b.ts')],
]

describe('import directions', () => {
  test('are kept, and the check sees the imports', () => {
    const { status, output } = checkBoundaries(repository)
    expect(output).toMatch(/no dependency violations found \(\d+ modules, [1-9]\d* dependencies cruised\)/)
    expect(status).toBe(0)
  })

  test('allow what the design allows', () => {
    const { status, output } = checkFiles({
      'src/main.ts': valueImport('./app/a.ts'),
      'src/app/a.ts': valueImport('../hosted/a.ts'),
      'src/hosted/a.ts': valueImport('../oidc/interaction.ts'),
      'src/oidc/interaction.ts': valueImport('../domain/users/a.ts'),
      'src/domain/users/a.ts': valueImport('../groups/b.ts'),
      'src/domain/groups/b.ts': typeImport('../../security/a.ts'),
      'src/security/a.ts': valueImport('../platform/a.ts'),
      'src/platform/a.ts': leafFile,
    })
    expect(output).toContain('no dependency violations found (8 modules, 7 dependencies cruised)')
    expect(status).toBe(0)
  })

  test('are part of `npm run check`', () => {
    expect(scripts['check']).toContain('npm run boundaries')
  })

  describe('planted violations', () => {
    let result: ReturnType<typeof checkFiles>
    beforeAll(() => {
      const planted = Object.fromEntries(forbidden.map(([, file, text]) => [file, text]))
      result = checkFiles({ ...surroundings, ...planted })
    })

    test('fail the check', () => expect(result.status).toBeGreaterThan(0))

    test.each(forbidden)('%s: %s', (rule, file) => {
      expect(result.output).toContain(`error ${rule}: ${file} → `)
    })

    test('are all it reports', () => {
      const reported = [...result.output.matchAll(/error [\w-]+: (\S+)/g)].map((match) => match[1])
      expect(new Set(reported)).toEqual(new Set(forbidden.map(([, file]) => file)))
    })
  })
})
