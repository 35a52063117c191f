import { join } from 'node:path'
import { ESLint, Linter } from 'eslint'
import tseslint from 'typescript-eslint'

/**
 * What the bans of eslint.config.js say to a text, if it stood in this file. The rule is the one that `npm run lint` would
 * apply there; types, which the bans need none of and which take seconds, are left out.
 */
export async function restrictedSyntax(text: string, file: string): Promise<string[]> {
  const eslint = new ESLint({ cwd: join(import.meta.dirname, '..', '..', '..') })
  const { rules } = (await eslint.calculateConfigForFile(file)) as { rules: Linter.RulesRecord }
  const ban = rules['no-restricted-syntax'] ?? 'off'
  const config: Linter.Config = {
    files: ['**/*.ts'],
    languageOptions: { parser: tseslint.parser },
    rules: { 'no-restricted-syntax': ban },
  }
  return new Linter().verify(text, [config], file).map(({ message }) => message)
}
