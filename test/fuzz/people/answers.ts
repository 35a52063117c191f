import { sha256 } from '../../../src/security/digest.ts'
import { decode } from '../../support/relying-party.ts'
import { accountBySub, fail, nowOf } from './world.ts'
import type { Authorization, Browser, World } from './world.ts'

/* What comes back to an app: a code or tokens, for somebody who has shown in this browser who they are. */

export async function receiveAnswer(
  world: World,
  browser: Browser,
  parameters: Readonly<Record<string, string>>,
): Promise<void> {
  const authorization = world.authorizations.get(parameters['state'] ?? '')
  const { code, access_token: accessToken } = parameters
  if (authorization === undefined) return
  if (code !== undefined) await receiveCode(world, browser, authorization, code)
  if (accessToken === undefined) return
  if (authorization.client !== 'page') fail(world, 'tokens instead of a code')
  const sub = String(decode(accessToken)['sub'])
  if (!isEntitled(world, browser, authorization, sub)) fail(world, 'tokens without a proof')
  spendProof(world, browser, authorization, sub)
  world.tally.tokens += 1
}

async function receiveCode(world: World, browser: Browser, authorization: Authorization, value: string): Promise<void> {
  const found = await world.server.services.domain.store.grants.findCode(world.pool.id, sha256(value))
  if (found === undefined) return fail(world, 'a code that is not stored')
  const { userSub: sub, authTime } = found.code
  const entitled = isEntitled(world, browser, authorization, sub)
  // A sign-in may have ended on its way: its code comes out all the same, and buys nothing.
  const isWorthless = !mayHaveTokens(world, authorization.client, sub) || isBeforeSignOut(world, sub, authTime)
  if (!entitled && !isWorthless) fail(world, `a code for ${accountBySub(world, sub)?.name} without a proof`)
  spendProof(world, browser, authorization, sub)
  world.codes.push({ value, authorization, sub, at: nowOf(world), used: false, dead: !entitled })
  world.tally.codes += 1
}

function isBeforeSignOut(world: World, sub: string, authTime: Date): boolean {
  const signedOutAt = accountBySub(world, sub)?.row?.signedOutAt ?? 0
  return Math.floor(authTime.getTime() / 1000) < Math.floor(signedOutAt / 1000)
}

function isEntitled(world: World, browser: Browser, authorization: Authorization, sub: string): boolean {
  const { state, mustAsk, client } = authorization
  const isProved = world.proofs.some(
    (proof) => proof.browser === browser.name && proof.state === state && proof.sub === sub,
  )
  const isSignedIn = browser.signedInAs === sub && !mustAsk
  return (isProved || isSignedIn) && mayHaveTokens(world, client, sub)
}

/** One proof, one answer; the next one comes from the session. */
function spendProof(world: World, browser: Browser, { state }: Authorization, sub: string): void {
  world.proofs = world.proofs.filter(
    (proof) => !(proof.browser === browser.name && proof.state === state && proof.sub === sub),
  )
}

/** Enabled, confirmed, and for an app of somebody else's with the user's consent. */
export function mayHaveTokens(world: World, client: string, sub: string): boolean {
  const row = accountBySub(world, sub)?.row
  const isFit = row?.enabled === true && row.status === 'CONFIRMED'
  return isFit && (client !== 'partner' || world.consents.has(`${sub} ${client}`))
}
