import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'

/*
 * Nothing here starts a container: these tests hold the container files against the tree they speak of, so that a
 * renamed script, folder or variable does not break the image unseen.
 */
const repository = join(import.meta.dirname, '..', '..')
const read = (file: string) => readFileSync(join(repository, file), 'utf8')

/** What the example configuration asks of the environment. */
const variablesOfExample = (): string[] =>
  [...readFileSync(join(repository, 'latchkey.example.yaml'), 'utf8').matchAll(/\$\{(\w+)\}/g)].map(
    ([, name]) => name ?? '',
  )

const serverVariables = [
  ...['PORT', 'HOST', 'PUBLIC_URL', 'DATABASE_URL', 'DATA_DIR', 'LATCHKEY_CONFIG', 'LATCHKEY_SECRET', 'SMTP_URL'],
  ...['TRUSTED_PROXIES', 'LOG_LEVEL', 'LATCHKEY_REGION', 'LATCHKEY_DEV', 'NODE_ENV', 'MAIL_FROM'],
]

interface Service {
  image?: string
  build?: string
  command?: string[]
  environment?: Record<string, string>
  depends_on?: Record<string, { condition: string }>
  ports?: string[]
}

const compose = parse(read('docker-compose.yml'), { merge: true }) as { services: Record<string, Service> }
const services = Object.entries(compose.services)
const ownServices = services.filter(([, service]) => service.build === '.')

/** Instructions with their arguments, continued lines joined and comments left out. */
const instructions = read('Dockerfile')
  .replaceAll('\\\n', ' ')
  .split('\n')
  .filter((line) => /^[A-Z]/.test(line))
  .map((line) => ({ name: line.split(' ')[0]!, args: line.slice(line.indexOf(' ') + 1).trim() }))
const argumentsOf = (name: string) => instructions.filter((each) => each.name === name).map((each) => each.args)

/** The source file that the build turns into this file of the image, e.g. `dist/src/main.js`: `src/main.ts`. */
function sourceOf(built: string): string {
  const { compilerOptions } = parse(read('tsconfig.build.json')) as {
    compilerOptions: { outDir: string; rootDir: string }
  }
  expect(compilerOptions.rootDir).toBe('.')
  const prefix = `${compilerOptions.outDir}/`
  expect(built.startsWith(prefix)).toBe(true)
  return built.slice(prefix.length).replace(/[.]js$/, '.ts')
}

describe('docker-compose.yml', () => {
  test('sets only variables that the server knows', () => {
    expect(ownServices.map(([name]) => name)).toContain('latchkey')
    for (const [, { environment = {} }] of ownServices) {
      const known = [...serverVariables, ...variablesOfExample()]
      expect(known).toEqual(expect.arrayContaining(Object.keys(environment)))
    }
  })

  test('refuses to start without the secrets, and says which one is missing', () => {
    const settings = services.flatMap(([, { environment = {} }]) => Object.entries(environment))
    for (const [name, value] of settings) {
      if (!/SECRET|PASSWORD|DATABASE_URL/.test(name)) continue
      expect(value, name).toMatch(/\$\{(\w+):\?[^}]*\1[^}]*\}/)
    }
    expect(compose.services['latchkey']?.environment).toMatchObject({
      DATABASE_URL: expect.stringContaining('@postgres:5432/'),
      LATCHKEY_SECRET: expect.any(String),
    })
  })

  test('publishes ports on the loopback interface only', () => {
    const ports = services.flatMap(([, service]) => service.ports ?? [])
    expect(ports.length).toBeGreaterThan(0)
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/)
  })

  test('names services that exist', () => {
    const names = Object.keys(compose.services)
    for (const [, service] of services) {
      expect(names).toEqual(expect.arrayContaining(Object.keys(service.depends_on ?? {})))
    }
    const { DATABASE_URL, SMTP_URL } = compose.services['latchkey']!.environment!
    expect(names).toContain(new URL(DATABASE_URL!.replace(/\$\{[^}]*\}/, 'password')).hostname)
    expect(names).toContain(new URL(SMTP_URL!).hostname)
  })

  test('runs files that the build makes', () => {
    const commands = ownServices.flatMap(([, { command }]) => (command ? [command] : []))
    for (const [program, file] of commands) {
      expect(program).toBe('node')
      expect(existsSync(join(repository, sourceOf(file!)))).toBe(true)
    }
  })
})

describe('Dockerfile', () => {
  test('copies what is there and what .dockerignore lets through', () => {
    const ignore = read('.dockerignore').split('\n')
    expect(ignore).toContain('*')
    const copies = argumentsOf('COPY').filter((args) => !args.startsWith('--from'))
    const sources = copies.flatMap((args) => args.split(/\s+/).slice(0, -1))
    expect(sources).toContain('package.json')
    for (const source of sources) {
      expect(existsSync(join(repository, source)), source).toBe(true)
      expect(ignore).toContain(`!${source}`)
    }
  })

  test('takes from earlier stages what they hold', () => {
    const stages = argumentsOf('FROM').flatMap((args) => / AS (\w+)$/.exec(args)?.[1] ?? [])
    const copies = argumentsOf('COPY').filter((args) => args.startsWith('--from'))
    expect(copies).toHaveLength(2)
    for (const args of copies) expect(stages).toContain(/^--from=(\w+) \/app\//.exec(args)?.[1])
  })

  test('runs scripts of package.json', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
    const used = argumentsOf('RUN').flatMap((args) =>
      [...args.matchAll(/npm run ([\w:-]+)/g)].map((match) => match[1]!),
    )
    expect(used).toEqual(['build'])
    for (const name of used) expect(scripts).toHaveProperty([name])
    expect(scripts['build']).toContain('tsconfig.build.json')
  })

  test('starts what the build makes, as an ordinary user', () => {
    const command = JSON.parse(argumentsOf('CMD')[0]!) as string[]
    expect(command[0]).toBe('node')
    expect(existsSync(join(repository, sourceOf(command[1]!)))).toBe(true)
    expect(argumentsOf('USER')).toEqual(['node'])
    expect(argumentsOf('HEALTHCHECK')[0]).toContain('/healthz')
  })

  test('sets only variables that the server knows', () => {
    const names = argumentsOf('ENV').flatMap((args) => [...args.matchAll(/(\w+)=/g)].map((match) => match[1]!))
    expect(serverVariables).toEqual(expect.arrayContaining(names))
    expect(names).toEqual(expect.arrayContaining(['NODE_ENV', 'HOST']))
  })
})
