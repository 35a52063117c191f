/*
 * Import directions. The table is the architecture: a part may import itself and the parts named behind it.
 * `tsPreCompilationDeps` makes type-only imports count, in directions and in cycles alike.
 */

const foundation = ['platform', 'security']
const core = ['domain', ...foundation]

const mayImport = {
  platform: [],
  security: ['platform'],
  domain: foundation,
  persistence: core,
  federation: core,
  triggers: core,
  messaging: core,
  oidc: core,
  hosted: [...core, 'oidc/interaction'],
  api: core,
  console: core,
  demo: foundation, // a relying party: it talks to the server over HTTP only
}
const compositionRoots = '^src/(app|cli)/|^src/main[.]ts$'

const pathOf = (part) => `^src/${part}(/|[.]ts$)`

const directions = Object.entries(mayImport).map(([part, others]) => ({
  name: `${part}-directions`,
  severity: 'error',
  comment: `src/${part} may import ${others.length === 0 ? 'nothing of ours' : others.join(', ')} (and itself).`,
  from: { path: pathOf(part) },
  to: { path: '^(src|test|bench|migrations)/', pathNot: [part, ...others].map(pathOf) },
}))

const packagesOf = (...names) => `(^|/)node_modules/(@types/)?(${names.join('|')})/`

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    ...directions,
    {
      name: 'known-parts-only',
      severity: 'error',
      comment: 'A new part under src needs a row in the table of .dependency-cruiser.cjs (and a decision record).',
      from: { path: '^src/', pathNot: [...Object.keys(mayImport).map(pathOf), compositionRoots] },
      to: {},
    },
    {
      name: 'no-cycles',
      severity: 'error',
      comment: 'Modules that need each other, if only for types, are one module or lack a third.',
      from: {},
      to: { circular: true },
    },
    {
      name: 'src-without-tests',
      severity: 'error',
      comment: 'The product does not know its tests and benchmarks.',
      from: { path: '^src/' },
      to: { path: '^(test|bench)/' },
    },
    {
      name: 'migrations-stand-alone',
      severity: 'error',
      comment: 'A migration is never edited after it landed, so it may not depend on code that is.',
      from: { path: '^migrations/' },
      to: { path: '^(src|test|bench|migrations)/' },
    },
    {
      name: 'sql-in-persistence',
      severity: 'error',
      comment: 'Only src/persistence (and migrations) speaks SQL; everyone else declares a port.',
      from: { path: '^src/', pathNot: [pathOf('persistence'), compositionRoots] },
      to: { path: packagesOf('kysely', 'pg', '@electric-sql/pglite') },
    },
    {
      name: 'engine-in-oidc',
      severity: 'error',
      comment: 'Only src/oidc knows the OpenID Connect engine.',
      from: { path: '^src/', pathNot: [pathOf('oidc'), compositionRoots] },
      to: { path: packagesOf('oidc-provider') },
    },
    {
      name: 'domain-without-http',
      severity: 'error',
      comment: 'src/domain decides; front doors answer.',
      from: { path: pathOf('domain') },
      to: { path: `${packagesOf('koa', '@koa/router', 'liquidjs', 'nodemailer')}|^(node:)?https?2?$` },
    },
    {
      name: 'no-development-packages',
      severity: 'error',
      comment: 'What src imports at run time must be among the dependencies of package.json.',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'], pathNot: '(^|/)node_modules/@types/' },
    },
    {
      name: 'resolvable',
      severity: 'error',
      comment: 'The imported module does not exist.',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    parser: 'tsc',
    detectProcessBuiltinModuleCalls: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      mainFields: ['module', 'main', 'types'],
      extensions: ['.ts', '.js', '.mjs', '.cjs', '.json', '.d.ts'],
    },
  },
}
