import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import Koa from 'koa'
import { createDemo, type DemoOptions } from '../../src/demo/demo.ts'
import { addSeconds, systemClock } from '../../src/platform/clock.ts'
import { createLog } from '../../src/platform/log.ts'
import { systemRandom } from '../../src/platform/random.ts'
import type { Locale, MessageCatalogue } from '../../src/platform/views/message-catalogue.ts'
import type { DemoHomePage, DemoTokensPage } from '../../src/platform/views/development-contexts.ts'

/** What the demo gave to its view. Wording and markup are the views' matter. */
export type ShownPage = { view: string } & Partial<DemoHomePage> & Partial<DemoTokensPage>

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly location: string
  readonly page: ShownPage
  readonly text: string
}

export interface Browser {
  readonly cookies: Map<string, string>
  get(url: string): Promise<Answer>
  post(url: string, form: Record<string, string>): Promise<Answer>
  /** Starts a sign-in and comes back from the server, up to the callback's URL, which is returned unvisited. */
  comeBack(query?: string): Promise<string>
  /** Signs in and opens the page with the tokens. */
  signIn(query?: string): Promise<ShownPage>
}

export interface DemoSite extends AsyncDisposable {
  readonly url: string
  open(): Browser
  passTime(seconds: number): void
}

/** Serves the demo on a loopback port. */
export async function startDemo(options: Partial<DemoOptions> & Pick<DemoOptions, 'issuer'>): Promise<DemoSite> {
  let passed = 0
  const app = new Koa()
  const server = createServer((request, response) => void app.callback()(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const { router } = createDemo({
    origin: url,
    clientId: 'demo',
    secondClientId: 'demo-two',
    views: { render: (view, context) => JSON.stringify({ view, ...context }) },
    catalogue: keysAsWords,
    assets: { css: '/assets/a.css', js: '/assets/a.js', favicon: '/assets/a.svg' },
    random: systemRandom,
    clock: { now: () => addSeconds(systemClock.now(), passed) },
    log: createLog({ level: 'silent', pretty: false }),
    ...options,
  })
  app.use(router.routes()).use(router.allowedMethods())
  return {
    url,
    open: () => openBrowser(url),
    passTime: (seconds) => {
      passed += seconds
    },
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function openBrowser(siteUrl: string): Browser {
  const cookies = new Map<string, string>()
  const visit = async (address: string, init: RequestInit): Promise<Answer> => {
    const url = new URL(address, siteUrl)
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const headers = { ...(init.headers as Record<string, string>), ...(cookie === '' ? {} : { cookie }) }
    const response = await fetch(url, { ...init, redirect: 'manual', headers })
    for (const line of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line)!
      if (value === '') cookies.delete(name!)
      else cookies.set(name!, value!)
    }
    const body = await response.text()
    return {
      status: response.status,
      headers: response.headers,
      location: response.headers.get('location') ?? '',
      text: body,
      page: body.startsWith('{') ? JSON.parse(body) : { view: '' },
    }
  }
  const browser: Browser = {
    cookies,
    get: (url) => visit(url, {}),
    post: (url, form) => visit(url, { method: 'POST', body: new URLSearchParams(form) }),
    async comeBack(query = '') {
      const started = await browser.get(`/demo/sign-in${query}`)
      return (await browser.get(started.location)).location
    },
    async signIn(query) {
      await browser.get(await browser.comeBack(query))
      return (await browser.get('/demo')).page
    },
  }
  return browser
}

/** Shows each message as its key and values. */
const keysAsWords: MessageCatalogue = {
  languages: [],
  locale: (): Locale => ({
    lang: 'en',
    dir: 'ltr',
    name: 'English',
    text: words,
    section: () => ({}),
    duration: (seconds) => `${Math.round(seconds)} s`,
    countdown: () => [],
  }),
}

export function words(key: string, values?: object): string {
  return values === undefined ? key : `${key} ${JSON.stringify(values)}`
}
