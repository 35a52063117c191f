import { callback, clients, clientSecret } from '../server-under-test.ts'
import { faultsOf } from '../sound-answer.ts'
import { decode } from '../../support/relying-party.ts'
import { mayHaveTokens } from './answers.ts'
import { accountBySub, fail, nowOf } from './world.ts'
import type { ClientName, CodeNote, Family, World } from './world.ts'

/*
 * The apps' side: codes and refresh tokens, rightly and wrongly. What may be given is given, and nothing else; a code and
 * a rotated token count once, and whoever shows one again ends what it began.
 */

export const manners = ['right', 'twice', 'verifier', 'client', 'redirect', 'secret', 'pool'] as const
export type Manner = (typeof manners)[number]

interface Answered {
  status: number
  body: Readonly<Record<string, string | undefined>>
}

async function post(world: World, manner: Manner, path: string, form: Record<string, string>): Promise<Answered> {
  const base = manner === 'pool' ? world.otherBase : world.pool.base
  const response = await fetch(`${base}${path}`, { method: 'POST', body: new URLSearchParams(form) })
  const { status, headers } = response
  const body = await response.text()
  world.story.push(`    app: POST ${path} (${manner}) -> ${status} ${status < 400 ? '' : body.slice(0, 80)}`)
  const faults = faultsOf({ status, headers, body }, world.server.publicUrl)
  if (faults.length > 0) fail(world, `an answer is not sound: ${faults.join('; ')}`)
  return { status, body: body === '' ? {} : (JSON.parse(body) as Answered['body']) }
}

function credentials(client: ClientName, manner: Manner): Record<string, string> {
  const named = manner === 'client' ? others[client] : client
  const secret = 'ClientSecret' in clients[named] ? { client_secret: clientSecret } : {}
  return { client_id: named, ...(manner === 'secret' ? { client_secret: 'not the secret at all' } : secret) }
}

const others: Readonly<Record<ClientName, ClientName>> = { web: 'shop', shop: 'web', partner: 'web', page: 'web' }

/** Whether the app has shown that it is the one. */
const isClient = (manner: Manner): boolean => manner !== 'client' && manner !== 'pool' && manner !== 'secret'

export async function redeemCode(world: World, code: CodeNote, manner: Manner): Promise<void> {
  const { authorization, sub } = code
  const { client, codeVerifier } = authorization
  const verifier = manner === 'verifier' ? 'x'.repeat(43) : codeVerifier
  const form = {
    grant_type: 'authorization_code',
    code: code.value,
    redirect_uri: manner === 'redirect' ? `${callback}/` : callback,
    ...(verifier === undefined ? {} : { code_verifier: verifier }),
    ...credentials(client, manner),
  }
  const isRight = isClient(manner) && manner !== 'verifier' && manner !== 'redirect'
  const isLive = !code.used && !code.dead && nowOf(world) < code.at + 300
  const permitted = isRight && isLive && mayHaveTokens(world, client, sub)
  const times = manner === 'twice' ? 2 : 1
  const answers = await Promise.all(Array.from({ length: times }, () => post(world, manner, '/oauth2/token', form)))
  const given = answers.filter(({ status }) => status === 200)
  if (given.length !== (permitted ? 1 : 0)) {
    fail(
      world,
      `a code is redeemed ${given.length} times, ${permitted ? 'rightly' : 'wrongly'}: ${JSON.stringify(answers.map(toldOf))}`,
    )
  }
  // RFC 6749 §4.1.2: shown again by its client, it ends what it has become, for as long as it is remembered.
  const isRemembered = nowOf(world) < code.at + 300 + 3600
  if (isRemembered && code.used && isClient(manner) && code.family !== undefined) code.family.dead = true
  const [tokens] = given
  if (tokens === undefined) return
  code.used = true
  code.family = familyFrom(world, code, tokens.body)
  world.families.push(code.family)
  world.tally.tokens += 1
  if (times > 1) code.family.dead = true
}

const toldOf = ({ status, body }: Answered): string =>
  `${status} ${body['error_description'] ?? body['error'] ?? 'tokens'}`

function familyFrom(world: World, code: CodeNote, body: Answered['body']): Family {
  const { client, nonce } = code.authorization
  const { access_token: accessToken = '', id_token: idToken = '', refresh_token: refreshToken = '' } = body
  const claims = decode(idToken)
  if (claims['sub'] !== code.sub || decode(accessToken)['sub'] !== code.sub) fail(world, 'tokens of somebody else')
  if (claims['nonce'] !== nonce || claims['aud'] !== client) fail(world, 'an ID token for another request')
  const at = nowOf(world)
  const common = { client, sub: code.sub, at, dead: false, idToken }
  return { ...common, refreshTokens: [{ value: refreshToken }], accessTokens: [{ value: accessToken, at }] }
}

const refreshSeconds = 30 * 86_400

const graceOf: Readonly<Record<ClientName, number | undefined>> = {
  web: 0,
  shop: 60,
  partner: undefined,
  page: undefined,
}

export async function refresh(world: World, family: Family, index: number, manner: Manner): Promise<void> {
  const { client, sub } = family
  const grace = graceOf[client]
  const token = family.refreshTokens[index % family.refreshTokens.length]
  if (token === undefined) return
  const form = { grant_type: 'refresh_token', refresh_token: token.value, ...credentials(client, manner) }
  const now = nowOf(world)
  const isLive =
    isClient(manner) && !family.dead && now < family.at + refreshSeconds && mayHaveTokens(world, client, sub)
  const isSpent = token.spentAt !== undefined && !(grace !== undefined && grace > 0 && now <= token.spentAt + grace)
  const permitted = isLive && !isSpent
  const times = manner === 'twice' ? 2 : 1
  const answers = await Promise.all(Array.from({ length: times }, () => post(world, manner, '/oauth2/token', form)))
  const given = answers.filter(({ status }) => status === 200)
  const wanted = permitted ? (grace === 0 ? 1 : times) : 0
  if (given.length !== wanted) {
    fail(world, `a refresh token counts ${given.length} times, not ${wanted}: ${JSON.stringify(answers.map(toldOf))}`)
  }
  if (isLive && (isSpent || (grace === 0 && times > 1))) family.dead = true
  for (const { body } of given) noteRefreshed(world, family, token, body)
}

function noteRefreshed(
  world: World,
  family: Family,
  token: Family['refreshTokens'][number],
  body: Answered['body'],
): void {
  const { access_token: accessToken = '', refresh_token: successor } = body
  if (decode(accessToken)['sub'] !== family.sub) fail(world, 'tokens of somebody else')
  family.accessTokens.push({ value: accessToken, at: nowOf(world) })
  world.tally.refreshed += 1
  const isKnown = family.refreshTokens.some(({ value }) => value === successor)
  if (graceOf[family.client] === undefined) {
    if (successor !== undefined) fail(world, 'a refresh token rotates for a client that has no rotation')
    return
  }
  if (successor === undefined || (token.spentAt !== undefined && !isKnown)) return fail(world, 'a family forks')
  token.spentAt ??= nowOf(world)
  if (!isKnown) family.refreshTokens.push({ value: successor })
}

export async function revoke(world: World, family: Family, index: number, manner: Manner): Promise<void> {
  const token = family.refreshTokens[index % family.refreshTokens.length]
  if (token === undefined) return
  await post(world, manner, '/oauth2/revoke', { token: token.value, ...credentials(family.client, manner) })
  if (isClient(manner)) family.dead = true
}

const accessSeconds = 3600

export async function askUserInfo(world: World, family: Family, index: number, manner: Manner): Promise<void> {
  const token = family.accessTokens[index % family.accessTokens.length]
  if (token === undefined) return
  const base = manner === 'pool' ? world.otherBase : world.pool.base
  const bearer = manner === 'client' ? family.idToken : token.value
  const response = await fetch(`${base}/oauth2/userInfo`, { headers: { authorization: `Bearer ${bearer}` } })
  const body = (await response.json()) as Record<string, unknown>
  world.story.push(`    app: GET /oauth2/userInfo (${manner}) -> ${response.status}`)
  const isFresh = nowOf(world) < token.at + accessSeconds && !family.dead
  const isRight = manner !== 'pool' && manner !== 'client'
  const permitted = isRight && isFresh && mayHaveTokens(world, family.client, family.sub)
  if ((response.status === 200) !== permitted)
    fail(world, `userInfo answers ${response.status}, ${permitted ? 'wrongly' : 'to nobody'}`)
  if (!permitted) return
  const email = accountBySub(world, family.sub)?.address
  if (body['sub'] !== family.sub || body['email'] !== email) fail(world, 'userInfo tells of somebody else')
}
