import { haveAccount, userPoolOf } from '../../support/accounts.ts'
import { createUser } from '../../../src/domain/users/administer-user.ts'
import type { FlowState } from '../../../src/domain/sessions/flow.ts'
import type { User } from '../../../src/domain/users/user.ts'
import { linkCodeHash, makeLinkCode } from '../../../src/domain/verification-codes/confirmation-link.ts'
import { flowIdPurpose } from '../../../src/domain/verification-codes/issue-code.ts'
import { addSeconds, epochSeconds } from '../../../src/platform/clock.ts'
import { sha256 } from '../../../src/security/digest.ts'
import { callback, goodPassword, poolIds } from '../server-under-test.ts'
import type { PoolName, ServerUnderTest } from '../server-under-test.ts'

/* Sign-ins put into the database as far as they are wanted, since a way there over the pages takes a hash or two. */

/** How far a sign-in is; the page that is due then takes a form. */
export const stages = [
  'login',
  'signUp',
  'forgotPassword',
  'confirm',
  'confirmNobody',
  'confirmLink',
  'reset',
  'resetNobody',
  'newPassword',
  'consent',
  'selectAccount',
  'finished',
] as const
export type Stage = (typeof stages)[number]

export interface Accounts {
  server: ServerUnderTest
  userPoolId: string
  /** Signs in with `goodPassword`; no request knows a code from her mailbox. */
  ana: User
}

export const anaAddress = 'ana@example.com'

export async function haveAccounts(server: ServerUnderTest, pool: PoolName): Promise<Accounts> {
  const userPoolId = poolIds[pool]
  return {
    server,
    userPoolId,
    ana: await haveAccount(server, { username: anaAddress, password: goodPassword, userPoolId }),
  }
}

/** Brings a flow to the stage. */
export async function bringTo(stage: Stage, accounts: Accounts, flowId: string): Promise<void> {
  const { server, userPoolId } = accounts
  const { store, clock } = server.services.domain
  const flow = await store.flows.find(userPoolId, sha256(flowId), clock.now())
  if (flow === undefined) throw new Error('there is no such flow')
  await store.flows.saveState(userPoolId, flow.idHash, await stateAt(stage, flow.state, accounts))
  if (stage === 'finished') await store.flows.finish(userPoolId, flow.idHash, clock.now())
}

async function stateAt(stage: Stage, state: FlowState, accounts: Accounts): Promise<FlowState> {
  const { request } = state
  const { sub: userSub } = accounts.ana
  const now = accounts.server.services.domain.clock.now()
  // A minute ago, so that another code may be asked for.
  const sent = { destination: 'a***@e***', sentAt: addSeconds(now, -60).getTime() }
  const confirmation = { kind: 'confirm', passwordProved: true, ...sent } as const
  switch (stage) {
    case 'confirm':
      return { ...state, pending: { ...confirmation, userSub: (await addNewcomer(accounts)).sub } }
    case 'confirmNobody':
      return { ...state, pending: confirmation }
    case 'confirmLink':
      return { ...state, pending: { ...confirmation, byLink: true } }
    case 'reset':
      return { request, chosen: 'forgotPassword', username: anaAddress, pending: { kind: 'reset', userSub, ...sent } }
    case 'resetNobody':
      return { request, chosen: 'forgotPassword', username: 'nobody@example.com', pending: { kind: 'reset', ...sent } }
    case 'newPassword':
      return { ...state, attempt: await addAttempt(accounts) }
    case 'consent':
      return {
        request,
        chosen: 'login',
        authenticated: { userSub, authTime: epochSeconds(now), amr: ['pwd'] },
        consent: 'due',
      }
    case 'selectAccount':
      return { request, chosen: 'selectAccount', signedIn: { userSub, name: anaAddress, remembered: false } }
    case 'signUp':
    case 'forgotPassword':
      return { ...state, chosen: stage }
    case 'login':
    case 'finished':
      return state
  }
}

/** Somebody who has signed up and not yet confirmed. */
async function addNewcomer({ server, userPoolId, ana }: Accounts): Promise<User> {
  const { store, clock, random } = server.services.domain
  const sub = random.uuid()
  const at = clock.now()
  const user: User = {
    userPoolId,
    sub,
    username: sub,
    status: 'UNCONFIRMED',
    enabled: true,
    attributes: { email: `${sub}@example.com` },
    ...(ana.passwordHash === undefined ? {} : { passwordHash: ana.passwordHash }),
    createdAt: at,
    updatedAt: at,
  }
  await store.users.add({ ...user, identifiers: [{ kind: 'username', key: sub }] })
  return user
}

/** A temporary password has been typed, and another one is due. */
async function addAttempt({ server, userPoolId, ana }: Accounts): Promise<NonNullable<FlowState['attempt']>> {
  const { domain } = server.services
  const { passwordHash = '' } = ana
  const made = await createUser(domain, {
    userPool: userPoolOf(server, userPoolId),
    username: `${domain.random.uuid()}@example.com`,
    attributes: {},
    passwordHash,
    permanent: false,
  })
  if (made.kind !== 'done') throw new Error('nobody with a temporary password could be made')
  const at = domain.clock.now()
  const idHash = sha256(domain.random.handle())
  const challenge = 'NEW_PASSWORD_REQUIRED'
  await domain.store.signInAttempts.add({
    idHash,
    userPoolId,
    clientId: 'web',
    userSub: made.user.sub,
    challenge,
    amr: ['pwd'],
    startedAt: at,
    expiresAt: addSeconds(at, 180),
  })
  return { idHash, challenge, missingAttributes: ['given_name'] }
}

/** A link that confirms a newcomer, in the mail of whoever sits at the browser. */
export async function addLink(
  accounts: Accounts,
  browser: string,
  flowId: string,
): Promise<{ username: string; code: string }> {
  const { domain } = accounts.server.services
  const { userPoolId } = accounts
  const { sub, username, attributes } = await addNewcomer(accounts)
  const code = makeLinkCode(domain, { userPoolId, clientId: 'web', username })
  const at = domain.clock.now()
  await domain.store.verificationCodes.replace({
    userPoolId,
    userSub: sub,
    purpose: 'sign_up',
    attribute: 'email',
    destination: attributes['email'] ?? '',
    codeHash: linkCodeHash(domain, sub, code),
    sentAt: at,
    expiresAt: addSeconds(at, 3600),
    browserHash: sha256(browser),
    sealedFlowId: domain.sealedBox.seal(flowId, flowIdPurpose),
  })
  return { username, code }
}

/** RFC 7636, appendix B. */
export const codeVerifier = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'
export const codeChallenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'

/** An authorization code of ana's that has not been redeemed. */
export async function addCode({ server, userPoolId, ana }: Accounts): Promise<string> {
  const { store, clock, random } = server.services.domain
  const code = random.handle()
  const at = clock.now()
  await store.grants.addCode({
    codeHash: sha256(code),
    userPoolId,
    clientId: 'web',
    userSub: ana.sub,
    redirectUri: callback,
    scope: 'openid email',
    codeChallenge,
    authTime: at,
    amr: ['pwd'],
    expiresAt: addSeconds(at, 300),
  })
  return code
}
