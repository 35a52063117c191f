import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { restrictedSyntax } from './support/restricted-syntax.ts'

/*
 * F5, values written into statements as text: Kysely CVE-2026-33468 (before 0.28.14) did not escape literals as it should
 * have. Nothing that anybody sends is a literal here: values are bound, names are `sql.ref` or Kysely's own. The lint rule
 * that keeps it so is shown to fire, and mended libraries are in the lock. Guards eslint.config.js and package-lock.json.
 * What hostile values do at the doors: test/stories/odd-paths/what-was-typed.test.ts, f4-default-secrets, f1-huge-parameters.
 */

const repository = join(import.meta.dirname, '..', '..')

describe('raw text in a statement', () => {
  const complaintsOf = (text: string): Promise<string[]> => restrictedSyntax(text, 'src/persistence/rows.ts')

  test.each([
    ['sql.raw', "import { sql } from 'kysely'\nexport const a = (name: string) => sql`select ${sql.raw(name)}`\n"],
    ['sql.lit', "import { sql } from 'kysely'\nexport const a = (name: string) => sql`select ${sql.lit(name)}`\n"],
    [
      'sql.literal',
      "import { sql } from 'kysely'\nexport const a = (name: string) => sql`select ${sql.literal(name)}`\n",
    ],
    ["sql['raw']", "import { sql } from 'kysely'\nexport const a = (name: string) => sql['raw'](name)\n"],
    ['sql[name]', "import { sql } from 'kysely'\nexport const a = (name: 'raw') => sql[name]('select 1')\n"],
    ['taken out of sql', "import { sql } from 'kysely'\nconst { raw } = sql\nexport const a = raw\n"],
    ['sql by another name', "import { sql as query } from 'kysely'\nexport const a = query.raw('select 1')\n"],
    ['CompiledQuery.raw', "import { CompiledQuery } from 'kysely'\nexport const a = CompiledQuery.raw('select 1')\n"],
  ])('by %s is refused', async (_what, text) => {
    const complaints = await complaintsOf(text)
    expect(complaints.length).toBeGreaterThan(0)
    for (const complaint of complaints) expect(complaint).toMatch(/Bind a parameter/)
  })

  test('what is bound is not', async () => {
    const text =
      "import { sql } from 'kysely'\nexport const a = (name: string) => sql`select ${name}, ${sql.ref('users.sub')}`\n"
    expect(await complaintsOf(text)).toEqual([])
  })

  test('stands in no file of ours, whether or not anybody has switched the rule off', () => {
    const files = readdirSync(join(repository, 'src'), { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.ts'),
    )
    expect(files.length).toBeGreaterThan(300)
    for (const file of files) {
      const text = readFileSync(join(repository, 'src', file), 'utf8')
      expect([
        file,
        /\bsql\s*(\.|\[\s*['"`])(raw|lit|literal)\b|CompiledQuery|eslint-disable.*no-restricted-syntax/.test(text),
      ]).toEqual([file, false])
      // A statement put together outside of Kysely: `.query(` with something in it that is no constant.
      expect([file, /\.query\(\s*(`[^`]*\$\{|[\w.]+\s*\+|['"][^'"]*['"]\s*\+)/.test(text)]).toEqual([file, false])
    }
  })
})

describe('the libraries that were broken', () => {
  const lock = JSON.parse(readFileSync(join(repository, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { version?: string }>
  }
  /** Every copy of the package, also those inside others. */
  const versionsOf = (name: string): string[] =>
    Object.entries(lock.packages).flatMap(([path, { version = '' }]) =>
      path.endsWith(`node_modules/${name}`) ? [version] : [],
    )
  const isAtLeast = (version: string, least: string): boolean => {
    const [a, b] = [version, least].map((text) => text.split('-', 1).join().split('.').map(Number))
    const index = (a ?? []).findIndex((part, position) => part !== b?.[position])
    return index < 0 || (a?.[index] ?? 0) > (b?.[index] ?? 0)
  }

  test.each([
    ['kysely', '0.29.0'], // F5: CVE-2026-33468
    ['koa', '3.3.0'], // E2, E3, E4: CVE-2026-27959, CVE-2025-32379, CVE-2025-25200
    ['nodemailer', '10.4.1'], // E5, E6: CVE-2026-125755, CVE-2025-13033
    ['jose', '4.15.5'], // F3: CVE-2024-28176
    ['oidc-provider', '9.11.4'], // C1
  ])('%s is in the lock at %s or later, wherever it is', (name, least) => {
    const versions = versionsOf(name)
    expect(versions).not.toEqual([])
    expect(versions.filter((version) => !isAtLeast(version, least))).toEqual([])
  })

  test('versions are compared as numbers', () => {
    expect(isAtLeast('10.4.1', '10.4.1')).toBe(true)
    expect(isAtLeast('10.10.0', '10.4.1')).toBe(true)
    expect(isAtLeast('9.99.99', '10.4.1')).toBe(false)
    expect(isAtLeast('10.4.0', '10.4.1')).toBe(false)
  })
})
