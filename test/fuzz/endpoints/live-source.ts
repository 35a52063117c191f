import { authorizationRequest, requestTokens } from '../../support/relying-party.ts'
import type { TokenResponse } from '../../support/relying-party.ts'
import { createUserAgent } from '../../support/user-agent.ts'
import type { UserAgent } from '../../support/user-agent.ts'
import { interactionUidPurpose } from '../../../src/oidc/interaction-uid.ts'
import type { User } from '../../../src/domain/users/user.ts'
import { cookieName } from '../../../src/security/cookies.ts'
import { csrfToken } from '../../../src/security/csrf.ts'
import { sha256 } from '../../../src/security/digest.ts'
import { callback, clientSecret, goodPassword, signedOut } from '../server-under-test.ts'
import type { PoolName, ServerUnderTest } from '../server-under-test.ts'
import { live } from './live-values.ts'
import type { LiveValues } from './live-values.ts'
import { addCode, addLink, anaAddress, bringTo, codeVerifier, haveAccounts } from './sign-ins.ts'
import type { Accounts, Stage } from './sign-ins.ts'

/** Makes sign-ins at one user pool that requests go into. */
export interface LiveSource {
  /**
   * One that has come to the stage, in a browser in which ana is signed in.
   * @param request what it names is made, and nothing else
   */
  at(stage: Stage, request: string): Promise<LiveValues>
  /** Ana's account as it is. */
  bystander(): Promise<User | undefined>
}

export async function createLiveSource(server: ServerUnderTest, pool: PoolName): Promise<LiveSource> {
  const accounts = await haveAccounts(server, pool)
  const { userPoolId, ana } = accounts
  const { domain } = server.services
  const base = pool === 'codes' ? server.publicUrl : `${server.publicUrl}/${userPoolId}`
  const agent = createUserAgent(server.publicUrl)
  const cookie = (kind: 'browser' | 'session'): string => agent.cookies.get(cookieName(kind, userPoolId, false)) ?? ''
  let tokens: TokenResponse['body'] = {}
  /** Requests sign out as well. */
  const staySignedIn = async (): Promise<void> => {
    const now = domain.clock.now()
    const session = await domain.store.browserSessions.find(userPoolId, sha256(cookie('session')), now)
    if (session === undefined) tokens = await signIn(base, agent)
  }
  return {
    async at(stage, request) {
      await staySignedIn()
      const flow = await beginFlow(base, agent, stage)
      await bringTo(stage, accounts, flow)
      const link = request.includes(live('confirmation_code'))
        ? await addLink(accounts, cookie('browser'), flow)
        : noLink
      const subject = JSON.stringify(['confirmUser', 'web', link.username, link.code])
      return {
        client_id: clientAt(stage),
        client_secret: clientSecret,
        redirect_uri: callback,
        logout_uri: signedOut,
        flow,
        _csrf: csrfToken(domain.sealedBox, cookie('browser'), flow),
        uid: await interactionOf(accounts, flow),
        username: anaAddress,
        password: goodPassword,
        'new password': 'Babbage-Engine-2',
        code: request.includes(live('code')) ? await addCode(accounts) : '',
        code_verifier: codeVerifier,
        refresh_token: tokens.refresh_token ?? '',
        access_token: tokens.access_token ?? '',
        id_token: tokens.id_token ?? '',
        user_name: link.username,
        confirmation_code: link.code,
        'link csrf': csrfToken(domain.sealedBox, cookie('browser'), subject),
        session: cookie('session'),
        browser: cookie('browser'),
        pool: userPoolId,
      }
    },
    bystander: () => domain.store.users.findBySub(userPoolId, ana.sub),
  }
}

const noLink = { username: 'nobody', code: 'none' }

/** Only a third-party client's users are asked for their consent. */
const clientAt = (stage: Stage): string => (stage === 'consent' ? 'partner' : 'web')

async function beginFlow(base: string, agent: UserAgent, stage: Stage): Promise<string> {
  const parameters = { client_id: clientAt(stage), redirect_uri: callback, scope: 'openid email', prompt: 'login' }
  const { headers } = await agent.request(authorizationRequest(base, parameters).url)
  const page = new URL(headers.get('location') ?? '/', base)
  return page.searchParams.get('flow') ?? ''
}

async function interactionOf({ server, userPoolId }: Accounts, flowId: string): Promise<string> {
  const { store, clock, sealedBox } = server.services.domain
  const flow = await store.flows.find(userPoolId, sha256(flowId), clock.now())
  return flow === undefined ? '' : sealedBox.open(flow.sealedInteractionUid, interactionUidPurpose)
}

async function signIn(base: string, agent: UserAgent): Promise<TokenResponse['body']> {
  const request = authorizationRequest(base, { client_id: 'web', redirect_uri: callback, prompt: 'login' })
  const page = await agent.visit(request.url)
  const answered = await page.submit({ username: anaAddress, password: goodPassword })
  const { body } = await requestTokens(base, {
    grant_type: 'authorization_code',
    client_id: 'web',
    redirect_uri: callback,
    code: answered.url.searchParams.get('code') ?? '',
    code_verifier: request.codeVerifier,
  })
  if (body.refresh_token === undefined) throw new Error(`no tokens to fuzz with: ${JSON.stringify(body)}`)
  return body
}
