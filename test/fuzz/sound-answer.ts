import { callback, registeredUris, signedOut } from './server-under-test.ts'

/* What every answer of the server has to be, whoever asked for whatever. */

export interface Answer {
  status: number
  headers: Headers
  body: string
}

/** Parts of hostile values that would stand in an answer as they are if something had put them there unescaped or run them. */
export const probes = { markup: '<xss-probe', evaluated: 'liquid-probe', header: 'x-injected' } as const

/** Errors of Node's own parser, which come before anything of ours is asked. */
const unreadable = new Set([400, 408, 417, 431])

/** What RFC 9112 §2.5 and §6.1 have for a version or a transfer coding that is not ours: no fault of the server. */
const refusals = new Set([501, 505])

/**
 * @param origin the public one
 * @param options.secure asked at a host that is reached by https
 * @returns what is wrong with an answer, in words; nothing where it is sound
 */
export function faultsOf(answer: Answer, origin: string, options: { secure?: boolean } = {}): string[] {
  const { status, headers, body } = answer
  const type = headers.get('content-type') ?? ''
  const isHtml = type.startsWith('text/html')
  // `Expect` and what cannot be parsed is answered without a header of ours.
  const fromParser = unreadable.has(status) && (type.startsWith('text/plain') || body === '')
  const faults = [...bodyFaults(body, isHtml), ...cookieFaults(headers, options.secure), ...corsFaults(headers, status)]
  const isRefused = refusals.has(status) && type.startsWith('text/plain')
  if (!(status >= 200 && status < 500) && !isRefused) faults.push(`status ${status}`)
  if (isHtml) faults.push(...pageFaults(headers, body))
  if (!fromParser && headers.get('x-content-type-options') !== 'nosniff' && hasContent(answer)) {
    faults.push('no X-Content-Type-Options')
  }
  if (/json/.test(type) && !isJson(body)) faults.push('JSON that cannot be read')
  const location = headers.get('location')
  if (location !== null) faults.push(...redirectFaults(location, origin, status))
  if (location === null && status >= 300 && status < 400 && status !== 304) faults.push('a redirect to nowhere')
  // Only what the application answers has an id.
  if (options.secure === true && headers.has('x-request-id') && !headers.has('strict-transport-security')) {
    faults.push('no Strict-Transport-Security')
  }
  if (headers.has(probes.header)) faults.push('a header that the request has written')
  return faults
}

const hasContent = ({ body }: Answer): boolean => body !== ''

const traces = /\n\s+at .+:\d+|node_modules|\.ts:\d+|[A-Z]\w*Error:|select .+ from|insert into|SQLSTATE|syntax error at/

/** What oidc-provider's own pages say. */
const enginePages = /oops! something went wrong|op\.logoutForm|oidc-provider|Continue<\/button>\s*<\/form>\s*<script>/

function bodyFaults(body: string, isHtml: boolean): string[] {
  const faults: string[] = []
  const trace = traces.exec(body)?.[0]
  if (trace !== undefined) faults.push(`the answer tells of the inside: ${trace.trim()}`)
  if (enginePages.test(body)) faults.push('HTML of the engine')
  if (isHtml && body.includes(probes.markup)) faults.push('markup of the request stands in the page')
  if (body.includes(probes.evaluated)) faults.push('a template of the request has been run')
  return faults
}

const pageHeaders: readonly (readonly [name: string, value: RegExp])[] = [
  ['content-security-policy', /default-src 'none'.*frame-ancestors '(none|self)'/],
  ['cache-control', /no-store/],
  ['x-content-type-options', /nosniff/],
]
const ownPageHeaders: typeof pageHeaders = [
  ['x-frame-options', /DENY/],
  ['referrer-policy', /no-referrer/],
  ['cross-origin-opener-policy', /^(same-origin|unsafe-none)$/],
]

function pageFaults(headers: Headers, body: string): string[] {
  // A mail as its sender wrote it, shown in a sandbox of its own.
  const isMail = /sandbox/.test(headers.get('content-security-policy') ?? '')
  const isOurs = isMail || body === '' || /^<!doctype html>\n<html lang="[\w-]+" dir="(ltr|rtl)">/.test(body)
  const wanted = isMail ? pageHeaders : [...pageHeaders, ...ownPageHeaders]
  const missing = wanted.filter(([name, value]) => !value.test(headers.get(name) ?? ''))
  return [
    ...missing.map(([name]) => `a page without a proper ${name}`),
    ...(isOurs ? [] : ['HTML that is no page of ours']),
    ...(/unsafe-(inline|eval)/.test(headers.get('content-security-policy') ?? '') && !isMail ? ['an unsafe CSP'] : []),
  ]
}

function redirectFaults(location: string, origin: string, status: number): string[] {
  if (status < 300 || status > 399) return ['a Location without a redirect']
  // Without its query and fragment, which carry the answer.
  const [target = ''] = location.split(/[?#]/, 1)
  if (registeredUris.includes(target)) return []
  const isPath = /^\/(?![/\\])/.test(location)
  if (isPath && !/[\u0000-\u0020\u007f-\uffff\\]/.test(location)) return []
  const isOurs = URL.canParse(location) && new URL(location).origin === origin && location.startsWith(`${origin}/`)
  return isOurs ? [] : [`a redirect to ${location}`]
}

function cookieFaults(headers: Headers, secure = false): string[] {
  return headers.getSetCookie().flatMap((line) => {
    const isOurs =
      /^(__(Host|Secure)-)?lk_(session|browser|known|interaction|resume)_[\w-]+=[\w-]*;|^lang=[\w-]+;|^demo_session=[\w-]*;/.test(
        line,
      )
    const isKept = /; *httponly/i.test(line) && /; *samesite=lax/i.test(line) && /; *path=\//i.test(line)
    const isSecure = !secure || (/; *secure/i.test(line) && /^(__(Host|Secure)-|lang=)/.test(line))
    return isOurs && isKept && isSecure ? [] : [`a cookie as no cookie of ours is: ${line}`]
  })
}

function corsFaults(headers: Headers, status: number): string[] {
  const allowed = headers.get('access-control-allow-origin')
  const origins = [callback, signedOut].map((uri) => new URL(uri).origin)
  // Why a request that names no client is refused may be read by anybody: there is nothing in it of anybody.
  const isOpen = allowed === null || allowed === '*' || status >= 400
  const faults = isOpen || origins.includes(allowed) ? [] : [`CORS for ${allowed}`]
  return headers.has('access-control-allow-credentials') ? [...faults, 'CORS with credentials'] : faults
}

function isJson(body: string): boolean {
  if (body === '') return true
  try {
    JSON.parse(body)
    return true
  } catch {
    return false
  }
}
