import { load } from 'cheerio'
import { endpointPaths } from '../../../src/oidc/paths.ts'
import { callback } from '../server-under-test.ts'
import { faultsOf } from '../sound-answer.ts'
import { receiveAnswer } from './answers.ts'
import { judge, pathIn } from './judge.ts'
import { collectMail } from './mailboxes.ts'
import { settle } from './settle.ts'
import { cookieOf, fail, handleOf, nowOf } from './world.ts'
import type { Authorization, Browser, FlowNote, Form, Page, SentRequest, Tab, World } from './world.ts'

/* A browser without script. After each single request everything is checked. */

/** Sends a request and follows where it leads to, as far as it stays with us. The tab shows what came last. */
export async function visit(world: World, browser: Browser, tab: Tab, request: SentRequest): Promise<void> {
  let next: SentRequest | undefined = request
  for (let hops = 0; next !== undefined && hops < 12; hops += 1) {
    const { location, page } = await send(world, browser, next)
    // Neither a page nor a way on: the browser is at the app.
    if (location === undefined) show(tab, page)
    next = location === undefined ? undefined : { method: 'GET', url: location, form: undefined }
  }
}

function show(tab: Tab, page: Page | undefined): void {
  if (tab.page !== undefined) tab.former.push(tab.page)
  tab.page = page
}

interface Sent {
  /** Where it goes on, with us. */
  location: string | undefined
  page: Page | undefined
}

async function send(world: World, browser: Browser, request: SentRequest): Promise<Sent> {
  world.sent.push(request)
  const allowed = judge(world, browser, request)
  const flow = flowOf(world, request)
  const sessionBefore = cookieOf(world, browser, 'session')
  const response = await fetch(request.url, {
    method: request.method,
    redirect: 'manual',
    headers: { cookie: [...browser.cookies].map((pair) => pair.join('=')).join('; ') },
    ...(request.form === undefined ? {} : { body: new URLSearchParams(request.form) }),
  })
  const body = await response.text()
  keepCookies(browser, response.headers)
  const { status, headers } = response
  const location = headers.get('location')
  const path = new URL(request.url).pathname
  world.story.push(
    `    ${browser.name}: ${request.method} ${path} -> ${status} ${location?.slice(0, 60) ?? headingOf(body)}`,
  )
  const faults = faultsOf({ status, headers, body }, world.server.publicUrl)
  if (faults.length > 0) fail(world, `an answer is not sound: ${faults.join('; ')}`)
  const { errors } = world.server
  if (errors.length > 0) fail(world, `logged as an error: ${errors.splice(0).join('\n')}`)
  await settle(world, browser, { request, allowed, status, sessionBefore })
  if (request.method === 'POST') await collectMail(world, flow)
  return learn(world, browser, request, { location, body })
}

function keepCookies(browser: Browser, headers: Headers): void {
  for (const line of headers.getSetCookie()) {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
    if (value === '' || /max-age=0(;|$)/i.test(line)) browser.cookies.delete(name)
    else browser.cookies.set(name, value)
  }
}

const headingOf = (html: string): string => /<h1>([^<]*)<\/h1>/.exec(html)?.[1] ?? ''

const flowOf = (world: World, { url, form }: SentRequest): FlowNote | undefined =>
  world.flows.get(form?.['flow'] ?? new URL(url).searchParams.get('flow') ?? '')

async function learn(
  world: World,
  browser: Browser,
  request: SentRequest,
  answer: { location: string | null; body: string },
): Promise<Sent> {
  const { location, body } = answer
  if (location === null) {
    const page = readPage(world, browser, request, body)
    for (const { action, fields } of page.forms) {
      if (action.href.startsWith(callback)) await receiveAnswer(world, browser, fields)
    }
    return { location: undefined, page }
  }
  const target = new URL(location, request.url)
  if (target.href.startsWith(callback)) {
    const parameters = new URLSearchParams(target.hash === '' ? target.search : target.hash.slice(1))
    await receiveAnswer(world, browser, Object.fromEntries(parameters))
  }
  if (target.origin !== world.server.publicUrl) return { location: undefined, page: undefined }
  noteFlow(world, browser, request, target)
  return { location: target.href, page: undefined }
}

/**
 * The authorization endpoint has begun a flow in this browser, for the request that it was asked with, or that it goes on
 * with.
 */
function noteFlow(world: World, browser: Browser, request: SentRequest, target: URL): void {
  const asked = new URL(request.url)
  const goesOn = flowOf(world, request)?.authorization
  if (pathIn(world, target).startsWith(`${endpointPaths.authorize}/`) && goesOn !== undefined) {
    world.resumed.set(target.pathname, goesOn)
  }
  const id = target.searchParams.get('flow')
  const authorization =
    world.resumed.get(asked.pathname) ??
    world.authorizations.get(asked.searchParams.get('state') ?? '') ??
    forAccount(browser, asked)
  const handle = handleOf(world, browser)
  if (!pathIn(world, asked).startsWith(endpointPaths.authorize) || id === null || world.flows.has(id)) return
  if (authorization === undefined || handle === undefined) return
  world.flows.set(id, { id, handle, authorization, beganAt: nowOf(world), signUps: new Set(), shown: new Map() })
}

/** The request of the account's pages, which no app has made: its answer is the session. */
const forAccount = (browser: Browser, { searchParams }: URL): Authorization | undefined =>
  searchParams.get('response_type') === 'none'
    ? { client: 'web', state: `account of ${browser.name}`, nonce: '', codeVerifier: undefined, mustAsk: true }
    : undefined

function readPage(world: World, browser: Browser, request: SentRequest, html: string): Page {
  const $ = load(html)
  const url = new URL(request.url)
  const forms = $('form')
    .toArray()
    .map((element): Form => {
      const inputs = $(element).find('input[name]:not([type="checkbox"])').toArray()
      const fields = Object.fromEntries(inputs.map((input) => [$(input).attr('name'), $(input).attr('value') ?? '']))
      return { action: new URL($(element).attr('action') ?? '', url), fields }
    })
  for (const { fields } of forms) noteForm(world, browser, fields, html)
  const links = $('main a[href]')
    .toArray()
    .map((link) => new URL($(link).attr('href') ?? '', url))
    .filter(({ origin }) => origin === url.origin)
    .map(({ href }) => href)
  return { url, heading: $('h1').first().text().trim(), forms, links }
}

function noteForm(world: World, browser: Browser, fields: Readonly<Record<string, string>>, html: string): void {
  const { _csrf: csrf, flow: id, confirmation_code: code, shown } = fields
  const handle = handleOf(world, browser)
  const subject = id ?? code
  if (csrf === undefined || handle === undefined || subject === undefined) return
  world.forms.set(csrf, { handle, subject })
  const flow = world.flows.get(subject)
  // The page of a consent names the account; nobody else's name is on it.
  const account =
    shown === undefined ? undefined : Object.values(world.accounts).find(({ address }) => html.includes(address))
  if (flow !== undefined && shown !== undefined && account?.row !== undefined) flow.shown.set(shown, account.row.sub)
}
