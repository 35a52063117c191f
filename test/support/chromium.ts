import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { chromium, type BrowserContext, type BrowserContextOptions, type Page } from 'playwright-core'

const repository = join(import.meta.dirname, '..', '..')

/*
 * The arguments that @sparticuz/chromium recommends are not used: among them are --disable-web-security and
 * --single-process, and a browser without its own defences proves nothing about our headers.
 */
const browserArguments = [
  '--no-sandbox', // as root there is none
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--font-render-hinting=none',
]

export interface ChromiumOptions {
  /** Host names that lead to this machine, e.g. `login.example.com`; `localhost` and its subdomains always do. */
  hosts?: string[]
}

export interface PageOptions extends BrowserContextOptions {
  /** Milliseconds that an action or navigation may take. */
  timeout?: number
}

export interface TestBrowser {
  /** A browser profile of its own: pages in one context share cookies. */
  newContext(options?: PageOptions): Promise<BrowserContext>
  /** A page in a new context: `{ javaScriptEnabled, colorScheme, viewport, locale, baseURL, … }`. */
  newPage(options?: PageOptions): Promise<Page>
  close(): Promise<void>
}

/** Starts a Chromium. It reaches this machine only: every other host name fails to resolve. */
export async function launchChromium(options: ChromiumOptions = {}): Promise<TestBrowser> {
  const directory = await unpackedChromium()
  const hosts = (options.hosts ?? []).map((host) => `MAP ${host} 127.0.0.1`)
  const loopback = ['localhost', '*.localhost', '127.0.0.1'].map((host) => `EXCLUDE ${host}`)
  const rules = [...hosts, 'MAP * ~NOTFOUND', ...loopback].join(', ')
  const browser = await chromium.launch({
    executablePath: join(directory, 'chromium'),
    args: [...browserArguments, `--host-resolver-rules=${rules}`],
    env: {
      ...(process.env as Record<string, string>),
      LD_LIBRARY_PATH: join(directory, 'al2023', 'lib'),
      FONTCONFIG_FILE: join(directory, 'fonts.conf'),
    },
  })
  const newContext = async ({ timeout = 15_000, ...contextOptions }: PageOptions = {}) => {
    const context = await browser.newContext({ locale: 'en-US', ...contextOptions })
    context.setDefaultTimeout(timeout)
    return context
  }
  return {
    newContext,
    newPage: async (pageOptions) => (await newContext(pageOptions)).newPage(),
    close: () => browser.close(),
  }
}

/**
 * The directory of the unpacked browser, its libraries and fonts. The first call unpacks them (2 s) beside the installed
 * packages. The package itself unpacks to fixed names in the temporary directory and takes a half-written file for a
 * whole one, so it is given a directory of its own, which is then moved into place in one step: of several processes
 * that do this at the same time one wins, and the others use its result.
 */
async function unpackedChromium(): Promise<string> {
  const require = createRequire(import.meta.url)
  const packageDirectory = join(dirname(require.resolve('@sparticuz/chromium')), '..')
  const { version } = JSON.parse(readFileSync(join(packageDirectory, 'package.json'), 'utf8')) as { version: string }
  const cache = join(repository, 'node_modules', '.cache', 'latchkey')
  const directory = join(cache, `chromium-${version}`)
  if (existsSync(directory)) return directory

  await mkdir(cache, { recursive: true })
  const partial = await mkdtemp(join(cache, 'unpacking-'))
  try {
    await unpack(packageDirectory, partial)
    await writeFile(join(partial, 'fonts.conf'), fontConfiguration(directory))
    await rename(partial, directory)
  } catch (error) {
    if (!existsSync(directory)) throw error
  } finally {
    await rm(partial, { recursive: true, force: true })
  }
  return directory
}

/** In a process of its own, because the package unpacks to wherever this process's TMPDIR points. */
async function unpack(packageDirectory: string, directory: string): Promise<void> {
  const script = `
    import chromium, { inflate } from '@sparticuz/chromium'
    await Promise.all([chromium.executablePath(), inflate(process.argv[1])])`
  const libraries = join(packageDirectory, 'bin', 'al2023.tar.br')
  await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script, libraries], {
    cwd: repository,
    env: { ...process.env, TMPDIR: directory },
  })
}

/** The packaged fonts only, so that pages are as wide on one machine as on the next. */
const fontConfiguration = (directory: string) => `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>${join(directory, 'fonts')}</dir>
  <cachedir>${join(directory, 'fonts-cache')}</cachedir>
</fontconfig>
`
