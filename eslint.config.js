import { defineConfig } from 'eslint/config'
import tseslint from 'typescript-eslint'

/*
 * Bans that hold the architecture together. Formatting is Prettier's, import directions are dependency-cruiser's
 * (.dependency-cruiser.cjs), unused files and exports are knip's (knip.json).
 */

const time = [
  {
    selector: "NewExpression[callee.name='Date'][arguments.length=0]",
    message: 'Take a Clock (src/platform/clock.ts): tests move time, and one place reads it.',
  },
  {
    selector: "CallExpression[callee.name='Date']",
    message: 'Take a Clock (src/platform/clock.ts): tests move time, and one place reads it.',
  },
  {
    selector: "MemberExpression[object.name='Date'][property.name='now']",
    message: 'Take a Clock (src/platform/clock.ts): tests move time, and one place reads it.',
  },
]

const randomness = [
  {
    selector: "MemberExpression[object.name='Math'][property.name='random']",
    message: 'Take a Random (src/platform/random.ts): Math.random can be predicted.',
  },
]

const bind = 'Bind a parameter, or use sql.ref and sql.table: raw text in a statement is how SQL injection happens.'
const sql = [
  { selector: "MemberExpression[object.name='sql'][property.name=/^(raw|lit|literal)$/]", message: bind },
  // The same by a way around.
  { selector: "MemberExpression[object.name='sql'][computed=true]", message: bind },
  { selector: "VariableDeclarator[init.name='sql']", message: bind },
  { selector: "ImportSpecifier[imported.name='sql'][local.name!='sql']", message: bind },
  { selector: "MemberExpression[object.name='CompiledQuery'][property.name='raw']", message: bind },
  { selector: "ImportSpecifier[imported.name='CompiledQuery'][local.name!='CompiledQuery']", message: bind },
]

const believed = 'hostname|host|origin|href|protocol|secure|URL|ip|ips|subdomains'
const request = [
  {
    selector: `MemberExpression[object.name='ctx'][property.name=/^(${believed})$/]`,
    message: 'The framework derives it from what the client says (threat row E2): take the tenant, or PUBLIC_URL.',
  },
  {
    selector: `MemberExpression[object.property.name='request'][property.name=/^(${believed})$/]`,
    message: 'The framework derives it from what the client says (threat row E2): take the tenant, or PUBLIC_URL.',
  },
  {
    selector: `MemberExpression[object.name='ctx'][property.value=/^(${believed})$/]`,
    message: 'The framework derives it from what the client says (threat row E2): take the tenant, or PUBLIC_URL.',
  },
  {
    selector: "CallExpression[callee.object.name='ctx'][callee.property.name=/^(redirect|back)$/]",
    message:
      'Set a Location of your own (src/hosted/step.ts): Koa writes the address into a body, and follows Referer.',
  },
]

const modules = [
  {
    selector: 'ExportDefaultDeclaration',
    message: 'Name the export: a named thing is found by search and renamed everywhere at once.',
  },
  {
    selector: 'ExportAllDeclaration',
    message: 'Import from the file that declares it: barrels hide directions and make cycles.',
  },
]

const syntax = (...bans) => ['error', ...bans.flat()]

export default defineConfig(
  { ignores: ['dist/', 'data/', 'coverage/', 'test-results/', 'views/'] },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      eqeqeq: 'error',
      'no-eval': 'error',
      'no-new-func': 'error',
      'no-new-wrappers': 'error',
      'no-template-curly-in-string': 'error',
      'no-unreachable-loop': 'error',
      'no-unmodified-loop-condition': 'error',
      'no-useless-rename': 'error',
      'no-var': 'error',
      'object-shorthand': 'error',
      'prefer-const': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/consistent-type-exports': 'error',
      '@typescript-eslint/no-import-type-side-effects': 'error',
      '@typescript-eslint/no-deprecated': 'error',
      '@typescript-eslint/no-dynamic-delete': 'error',
      '@typescript-eslint/no-invalid-void-type': ['error', { allowAsThisParameter: true }],
      '@typescript-eslint/no-meaningless-void-operator': 'error',
      '@typescript-eslint/no-misused-spread': 'error',
      '@typescript-eslint/no-mixed-enums': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/no-unnecessary-boolean-literal-compare': 'error',
      '@typescript-eslint/no-unnecessary-condition': ['error', { allowConstantLoopConditions: true }],
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrors: 'all', ignoreRestSiblings: true },
      ],
      '@typescript-eslint/require-array-sort-compare': ['error', { ignoreStringArrays: true }],
      // A port's implementation may have nothing to wait for.
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      // Inside try and using blocks a returned promise must be awaited, or its failure passes the handler by.
      '@typescript-eslint/return-await': ['error', 'error-handling-correctness-only'],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/use-unknown-in-catch-callback-variable': 'error',
    },
  },
  {
    files: ['src/**/*.ts'],
    rules: {
      'max-lines': ['error', { max: 300 }],
      'max-lines-per-function': ['error', { max: 60, skipBlankLines: true, skipComments: true }],
      'no-console': 'error',
      'no-restricted-syntax': syntax(time, randomness, sql, request, modules),
    },
  },
  { files: ['src/platform/clock.ts'], rules: { 'no-restricted-syntax': syntax(randomness, sql, modules) } },
  { files: ['src/platform/random.ts'], rules: { 'no-restricted-syntax': syntax(time, sql, modules) } },
  // Migrations are statements written once: names of their own making may be put in as text.
  { files: ['migrations/**/*.ts'], rules: { 'no-restricted-syntax': syntax(time, randomness, modules) } },
  {
    files: ['test/**/*.ts', 'bench/**/*.ts'],
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unnecessary-condition': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/restrict-template-expressions': 'off',
      '@typescript-eslint/unbound-method': 'off',
      'no-template-curly-in-string': 'off',
    },
  },
  {
    files: ['src/**/index.ts', 'test/**/index.ts', 'bench/**/index.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        { selector: 'Program', message: 'No index.ts: name the file after its export.' },
      ],
    },
  },
)
