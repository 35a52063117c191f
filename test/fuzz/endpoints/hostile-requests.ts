import fc from 'fast-check'
import type { Arbitrary } from 'fast-check'
import { often } from '../often.ts'
import { ownDomain, poolIds } from '../server-under-test.ts'
import { encodeText } from './encode-text.ts'
import { cookieHeader, header, headerText } from './hostile-headers.ts'
import type { Pair } from './hostile-headers.ts'
import { hostileName, hostileText } from './hostile-values.ts'
import { live, suitable } from './live-values.ts'
import { stages } from './sign-ins.ts'
import type { Stage } from './sign-ins.ts'
import { developmentRoutes, preparedRoutes, tenantRoutes } from './routes.ts'
import type { Route } from './routes.ts'

/* Requests as nobody should send them. They are plain data: a counter-example prints as what was sent. */

export interface HostileRequest {
  stage: Stage
  method: string
  /** Of the Host header. */
  host: string
  path: string
  query: readonly Pair[]
  queryAs: Encoding
  cookies: string
  headers: readonly Pair[]
  body: Body | undefined
}

export const encodings = ['percent', 'twice', 'bare'] as const
export type Encoding = (typeof encodings)[number]

export const bodyKinds = [
  'form',
  'chunked',
  'charset',
  'json',
  'multipart',
  'garbage',
  'truncated',
  'broken chunks',
  'gzip',
  'not gzip',
  'no type',
  'huge',
] as const

export interface Body {
  kind: (typeof bodyKinds)[number]
  fields: readonly Pair[]
}

/** Forms do the most. */
export const hostileRequest: Arbitrary<HostileRequest> = fc
  .oneof(
    { arbitrary: fc.constantFrom(...tenantRoutes.filter(({ method }) => method === 'POST')), weight: 8 },
    { arbitrary: fc.constantFrom(...tenantRoutes), weight: 5 },
    { arbitrary: fc.constantFrom(...developmentRoutes, ...preparedRoutes), weight: 2 },
  )
  .chain(requestOf)

/** When a page is due; the others may be opened at any time. */
const stagesOf: Readonly<Record<string, readonly Stage[]>> = {
  '/confirm': ['confirm', 'confirmNobody', 'confirmLink'],
  '/resendcode': ['confirm', 'confirmNobody', 'confirmLink', 'reset', 'resetNobody'],
  '/resetPassword': ['reset', 'resetNobody'],
  '/confirmforgotPassword': ['reset', 'resetNobody'],
  '/changePassword': ['newPassword'],
  '/consent': ['consent'],
  '/selectAccount': ['selectAccount'],
}

function requestOf(route: Route): Arbitrary<HostileRequest> {
  const inBody = route.method === 'POST'
  const parameters = parametersOf(route)
  return fc.record({
    stage: fc.oneof(
      { arbitrary: fc.constantFrom(...(stagesOf[route.path] ?? stages)), weight: 3 },
      { arbitrary: fc.constantFrom(...stages), weight: 1 },
    ),
    method: fc.oneof(often(route.method, 12), { arbitrary: otherMethod, weight: 1 }),
    host: fc.oneof(often('«host»', 12), often(ownDomain, 2), { arbitrary: oddHost, weight: 1 }),
    path: pathOf(route),
    query: inBody ? fc.oneof(often([], 5), { arbitrary: parameters, weight: 1 }) : parameters,
    queryAs: encoding,
    cookies: cookieHeader,
    headers: fc.array(header, { maxLength: 4 }),
    body: fc.oneof(inBody ? often(undefined, 1) : often(undefined, 20), {
      arbitrary: fc.record({
        kind: fc.oneof(often('form' as const, 20), { arbitrary: fc.constantFrom(...bodyKinds), weight: 6 }),
        fields: parameters,
      }),
      weight: inBody ? 20 : 1,
    }),
  })
}

const otherMethod = fc.constantFrom(
  'GET',
  'POST',
  'HEAD',
  'OPTIONS',
  'PUT',
  'DELETE',
  'PATCH',
  'TRACE',
  'PROPFIND',
  'QUERY',
  'CONNECT',
  'BREW',
)

const oddHost = fc.oneof(
  fc.constantFrom(
    '',
    'evil.example',
    '127.0.0.1',
    '[::1]',
    'localhost:1',
    '«host».',
    'a@«host»',
    '«host»:80',
    'LOCALHOST',
  ),
  hostileText.map(headerText),
)

const encoding = fc.oneof(often<Encoding>('percent', 12), { arbitrary: fc.constantFrom(...encodings), weight: 1 })

/** What the route knows, as it should be or not, and some of what it does not know. */
function parametersOf(route: Route): Arbitrary<readonly Pair[]> {
  const known = route.parameters.map((name) =>
    valueOf(name).map((value): Pair[] => (value === undefined ? [] : [[name, value]])),
  )
  const strange = fc.array(fc.tuple(hostileName, hostileText), { maxLength: 2 })
  const again = fc.oneof(often(undefined, 8), { arbitrary: fc.nat(), weight: 1 })
  return fc.tuple(fc.tuple(...known), strange, again).map(([pairs, more, repeated]) => {
    const all = [...pairs.flat(), ...more]
    const once = repeated === undefined ? undefined : all[repeated % Math.max(1, all.length)]
    return once === undefined ? all : [...all, once]
  })
}

/** Without these nothing behind the first check is ever reached. */
const needed = new Set(['flow', '_csrf', 'client_id', 'grant_type', 'response_type', 'redirect_uri', 'code_verifier'])

function valueOf(name: string): Arbitrary<string | undefined> {
  const [first = 'a value', ...others] = suitable[name] ?? []
  return fc.oneof(
    { withCrossShrink: true },
    often(undefined, needed.has(name) ? 1 : 4),
    often(first, needed.has(name) ? 25 : 4),
    { arbitrary: fc.constantFrom(first, ...others), weight: 3 },
    { arbitrary: hostileText, weight: 3 },
    { arbitrary: hostileText.map((text) => `${first}${text}`), weight: 1 },
  )
}

const placeOf: readonly { path: string; weight: number }[] = [
  { path: '', weight: 20 },
  { path: `/${poolIds.links}`, weight: 10 },
  { path: `/${poolIds.domain}`, weight: 1 },
  { path: '/eu-west-1_nowhere', weight: 1 },
  { path: `/${poolIds.links}/${poolIds.links}`, weight: 1 },
]

const twists: readonly ((path: string) => string)[] = [
  (path) => path.toUpperCase(),
  (path) => `${path}/`,
  (path) => `/${path}`,
  (path) => `/.${path}`,
  (path) => `/x/..${path}`,
  (path) => `/%2e%2e${path}`,
  (path) => `${path};x=1`,
  (path) => `${path}%00`,
  (path) => `${path}%`,
  (path) => path.replace('/', '/%6c'),
  (path) => path.replaceAll('/', '\\'),
  (path) => `http://evil.example${path}`,
  () => '*',
  () => '',
]

function pathOf(route: Route): Arbitrary<string> {
  const place = fc.oneof(...placeOf.map(({ path, weight }) => often(path, weight)))
  const twist = fc.oneof(
    often((path: string) => path, 20),
    { arbitrary: fc.constantFrom(...twists), weight: 2 },
  )
  const value = fc.oneof(
    often(live('uid'), 6),
    often(poolIds.codes, 3),
    often('latchkey.css', 1),
    { arbitrary: hostileText.map((text) => encodeText(text)), weight: 3 },
    { arbitrary: fc.constantFrom('..', '..%2f..%2fetc%2fpasswd', '%2e%2e', '.', '%00', '%zz', '__proto__'), weight: 1 },
  )
  return fc
    .tuple(place, twist, value)
    .map(([before, change, filled]) => change(`${before}${route.path.replace(/:(uid|id|asset|issuer)/, () => filled)}`))
}
