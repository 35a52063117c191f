import { errors } from 'oidc-provider'
import type { Adapter, AdapterPayload, InteractionResults } from 'oidc-provider'
import { acrOf } from '../domain/assurance/levels.ts'
import { isAnswerUri } from '../domain/app-clients/redirect-uri.ts'
import { addSeconds, epochSeconds } from '../platform/clock.ts'
import type { Caller } from '../platform/http/caller.ts'
import { sha256 } from '../security/digest.ts'
import type { DomainServices } from '../domain/ports/services.ts'
import type { BrowserSession } from '../domain/sessions/browser-session.ts'
import { toldAmr } from '../domain/identity-providers/identity-provider.ts'
import { mayReceiveTokens } from '../domain/tokens/redeem-code.ts'
import type { UserPool } from '../domain/user-pools/user-pool.ts'
import type { UserPoolSnapshot } from '../domain/user-pools/user-pool-directory.ts'
import { clientMetadata } from './client-metadata.ts'
import { useOf } from './session-use.ts'
import type { SessionUse } from './session-use.ts'

/*
 * The engine's storage, a model each, over typed tables (design decision 8). The engine hands us bearer values as ids;
 * only their SHA-256 is stored. Models that our own grants replace (access and refresh tokens) have no storage.
 */

type Model = Partial<Adapter>

export function createAdapter(
  services: DomainServices,
  snapshot: UserPoolSnapshot,
  request: () => { resource?: string | undefined; caller: Caller },
) {
  const models: Record<string, Model> = {
    Client: { find: (id) => Promise.resolve(clientMetadata(snapshot, id)) },
    Session: sessionModel(services, snapshot.userPool.id, () => request().caller),
    Interaction: interactionModel(services, snapshot),
    AuthorizationCode: authorizationCodeModel(services, snapshot.userPool, () => request().resource),
  }
  return (name: string): Adapter => complete(name, models[name] ?? {})
}

/** What a model does not need answers as if nothing were there; what would lose something says so. */
function complete(name: string, model: Model): Adapter {
  const nothing = (): Promise<undefined> => Promise.resolve(undefined)
  return {
    find: nothing,
    findByUid: nothing,
    findByUserCode: nothing,
    consume: nothing,
    destroy: nothing,
    revokeByGrantId: nothing,
    upsert: () => Promise.reject(new Error(`the engine's ${name} has no storage`)),
    ...model,
  }
}

function sessionModel(services: DomainServices, userPoolId: string, caller: () => Caller): Model {
  const { store, clock } = services
  /** What each request has read, so that a session that did not change is not written. */
  const seen = new WeakMap<object, BrowserSession>()
  const remember = (payload: AdapterPayload, session: BrowserSession): AdapterPayload => {
    seen.set(payload.authorizations ?? payload, session)
    return payload
  }
  return {
    async find(id) {
      const session = await store.browserSessions.find(userPoolId, sha256(id), clock.now())
      return session === undefined ? undefined : remember(sessionPayload(session, id), session)
    },
    async findByUid(uid) {
      const session = await store.browserSessions.findByUid(userPoolId, uid, clock.now())
      return session === undefined ? undefined : sessionPayload(session, undefined)
    },
    async upsert(id, payload, ttl) {
      // A session of nobody is worth nothing: the next login begins a new one.
      if (payload.accountId === undefined) return
      const session = sessionFrom(userPoolId, id, payload, addSeconds(clock.now(), ttl ?? 0))
      const before = payload.authorizations === undefined ? undefined : seen.get(payload.authorizations)
      if (before !== undefined && sameSession(before, session)) return
      if (before?.idHash === session.idHash) await store.browserSessions.update(session)
      else await store.browserSessions.save(session, caller())
    },
    async destroy(id) {
      await store.browserSessions.delete(userPoolId, sha256(id))
    },
  }
}

/** The engine's payload; `authorizations` is a fresh object, which also marks the payload as read from storage. */
function sessionPayload(session: BrowserSession, id: string | undefined): AdapterPayload {
  return {
    kind: 'Session',
    ...(id === undefined ? {} : { jti: id }),
    uid: session.uid,
    exp: epochSeconds(session.expiresAt),
    authorizations: structuredClone(session.authorizations) as NonNullable<AdapterPayload['authorizations']>,
    ...(session.userSub === undefined ? {} : { accountId: session.userSub }),
    ...(session.authTime === undefined ? {} : { loginTs: epochSeconds(session.authTime) }),
    ...(session.amr.length === 0 ? {} : { amr: [...session.amr] }),
    ...(session.acr === undefined ? {} : { acr: session.acr }),
    ...(session.transient ? { transient: true } : {}),
    ...useOf(session),
  }
}

function sessionFrom(userPoolId: string, id: string, payload: AdapterPayload, expiresAt: Date): BrowserSession {
  const use = payload as SessionUse
  return {
    idHash: sha256(id),
    uid: payload.uid ?? '',
    userPoolId,
    ...(payload.accountId === undefined ? {} : { userSub: payload.accountId }),
    ...(payload.loginTs === undefined ? {} : { authTime: new Date(payload.loginTs * 1000) }),
    amr: payload.amr ?? [],
    ...(payload.acr === undefined ? {} : { acr: payload.acr }),
    authorizations: payload.authorizations ?? {},
    transient: payload.transient === true,
    remembered: use.remembered === true,
    ...(use.lastUsedAt === undefined ? {} : { lastUsedAt: new Date(use.lastUsedAt) }),
    expiresAt,
  }
}

/** The same but for its end, which follows from its sign-in and its last use. */
function sameSession(before: BrowserSession, after: BrowserSession): boolean {
  const comparable = ({ expiresAt: _, ...session }: BrowserSession): string =>
    JSON.stringify(Object.entries(session).toSorted(([a], [b]) => a.localeCompare(b)))
  return comparable(before) === comparable(after)
}

function interactionModel(services: DomainServices, { userPool, appClients }: UserPoolSnapshot): Model {
  const userPoolId = userPool.id
  const { store, clock } = services
  return {
    async find(id) {
      const record = await store.interactions.find(userPoolId, sha256(id), clock.now())
      if (record === undefined) return undefined
      const { returnPath, ...payload } = record.payload
      // The engine does not look at the redirect URI again, and the operator may have taken it back.
      const { client_id: clientId, redirect_uri: redirectUri } = payload['params'] as Record<string, string | undefined>
      const { callbackUrls = [] } = appClients.get(clientId ?? '') ?? {}
      if (!isAnswerUri(callbackUrls, redirectUri ?? '')) return undefined
      // Nor at the user, when it goes on with a sign-in that was finished a while ago (threat row A10).
      const { login } = (payload['result'] ?? {}) as InteractionResults
      if (login !== undefined && !(await mayGoOn(services, userPool, login))) return undefined
      const returnTo = `${String(returnPath)}${id}`
      return { ...payload, returnTo, kind: 'Interaction', jti: id, exp: epochSeconds(record.expiresAt) }
    },
    async upsert(id, payload, ttl) {
      // The ids are bearer values: they are what the row is found by, not what it holds.
      const { jti: _jti, session, returnTo, ...rest } = payload
      const { cookie: _cookie, ...origin } = session ?? {}
      const stored = { ...rest, ...(session === undefined ? {} : { session: origin }) }
      const returnPath = returnTo?.slice(0, returnTo.lastIndexOf('/') + 1)
      await store.interactions.save({
        idHash: sha256(id),
        userPoolId,
        payload: { ...stored, returnPath },
        expiresAt: addSeconds(clock.now(), ttl ?? 0),
      })
    },
    async destroy(id) {
      // The engine has found it a moment ago, and so may have another request of the same browser: one of them leads to the app.
      const isMine = await store.interactions.delete(userPoolId, sha256(id))
      if (!isMine) throw new errors.SessionNotFound('interaction session not found')
    },
  }
}

async function mayGoOn(
  { store }: DomainServices,
  userPool: UserPool,
  { accountId, ts = 0 }: NonNullable<InteractionResults['login']>,
): Promise<boolean> {
  const user = await store.users.findBySub(userPool.id, accountId)
  return user !== undefined && mayReceiveTokens(userPool, user, new Date(ts * 1000))
}

function authorizationCodeModel(
  services: DomainServices,
  userPool: UserPool,
  resourceOf: () => string | undefined,
): Model {
  return {
    async upsert(id, payload, ttl) {
      const { clientId, accountId, redirectUri, scope, authTime } = payload
      if (!clientId || !accountId || !redirectUri || authTime === undefined)
        throw new Error('incomplete authorization code')
      const resource = resourceOf()
      const acr = acrOf(userPool, payload.amr ?? [])
      await services.store.grants.addCode({
        codeHash: sha256(id),
        userPoolId: userPool.id,
        clientId,
        userSub: accountId,
        redirectUri,
        scope: scope ?? '',
        ...(payload.nonce === undefined ? {} : { nonce: payload.nonce }),
        ...(payload.codeChallenge === undefined ? {} : { codeChallenge: payload.codeChallenge }),
        ...(resource === undefined ? {} : { resource }),
        authTime: new Date(authTime * 1000),
        amr: toldAmr(payload.amr ?? []),
        ...(acr === undefined ? {} : { acr }),
        ...(payload.sessionUid === undefined ? {} : { sessionUid: payload.sessionUid }),
        expiresAt: addSeconds(services.clock.now(), ttl ?? 0),
      })
    },
  }
}
