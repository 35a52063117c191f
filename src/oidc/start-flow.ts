import type { KoaContextWithOIDC } from 'oidc-provider'
import { addSeconds } from '../platform/clock.ts'
import { sha256 } from '../security/digest.ts'
import { directProvider, mayUseLocalAccounts } from '../domain/app-clients/sign-in-methods.ts'
import { askedLevel } from '../domain/assurance/levels.ts'
import { mayComeIn } from '../domain/identity-providers/find-provider.ts'
import type { DomainServices } from '../domain/ports/services.ts'
import type { FlowState } from '../domain/sessions/flow.ts'
import { continueSignIn } from '../domain/sign-in/advance.ts'
import type { Tenant } from '../domain/user-pools/tenant.ts'
import { nameToSignInWith } from '../domain/users/sign-in-name.ts'
import { askedBy } from '../platform/http/caller.ts'
import { maxAgeParameter } from './authorization-request.ts'
import { tenantOf } from './engine-internals.ts'
import { keepBrowserHandle, knownBrowserHandle } from './interaction.ts'
import { interactionUidPurpose } from './interaction-uid.ts'
import { interactionSeconds } from './provider-configuration.ts'
import { askedResponse } from './response-modes.ts'
import type { EngineSession } from './session-use.ts'

/* A flow begins when the engine needs a person. */

/** Parameters kept with a flow so that it can be begun anew: those of a request, none of ours. */
const keptParameters = [
  'response_type',
  'client_id',
  'redirect_uri',
  'state',
  'scope',
  'nonce',
  'code_challenge',
  'code_challenge_method',
  'prompt',
  'max_age',
  'login_hint',
  'lang',
  'ui_locales',
  'response_mode',
  'resource',
  'identity_provider',
  'acr_values',
  'idp_identifier',
  'display',
  'screen_hint',
]

interface AskedPrompt {
  name: string
  reasons?: readonly string[]
}

/** Called by the engine: stores the flow, binds it to the browser, and names its first page. */
export async function startFlow(
  services: DomainServices,
  ctx: KoaContextWithOIDC,
  interaction: { uid: string; params: Record<string, unknown>; prompt: AskedPrompt },
): Promise<string> {
  const tenant = tenantOf(ctx.req)
  const id = services.random.handle()
  const asked: Record<string, unknown> = {
    ...interaction.params,
    ...askedResponse(interaction.params['response_mode']),
  }
  const request = Object.fromEntries(
    keptParameters.flatMap((name) => {
      const value = asked[name]
      return typeof value === 'string' && value !== '' ? [[name, value]] : []
    }),
  )
  const maxAge = interaction.params[maxAgeParameter]
  if (typeof maxAge === 'string') request['max_age'] = maxAge
  const signedIn = await whoIsSignedIn(services, tenant, ctx)
  const stepUp = await stepUpOf(services, ctx, interaction.prompt, request)
  const chosen = firstPage(interaction, signedIn)
  const username = request['login_hint'] ?? (chosen === 'login' ? signedIn?.name : undefined)
  const before = interaction.prompt.name === 'consent' ? signedInBefore(ctx) : undefined
  await services.store.flows.add({
    idHash: sha256(id),
    userPoolId: tenant.snapshot.userPool.id,
    clientId: request['client_id'] ?? '',
    sealedInteractionUid: services.sealedBox.seal(interaction.uid, interactionUidPurpose),
    browserHash: sha256(keepBrowserHandle(tenant, ctx, knownBrowserHandle(tenant, ctx) ?? services.random.handle())),
    state: {
      request,
      chosen,
      ...(username === undefined ? {} : { username }),
      ...(signedIn === undefined ? {} : { signedIn }),
      ...before,
      ...stepUp,
    },
    expiresAt: addSeconds(services.clock.now(), interactionSeconds),
  })
  const query = { client_id: request['client_id'] ?? '', flow: id }
  const provider = stepUp === undefined && before === undefined ? providerFirst(tenant, request, chosen) : undefined
  // Each leads on to whatever is due.
  const path = stepUp !== undefined ? '/mfa' : before === undefined ? firstPagePaths[chosen] : '/consent'
  const [first, more] = provider === undefined ? [path, {}] : ['/identityProvider', { provider }]
  return `${tenant.basePath}${first}?${new URLSearchParams({ ...query, ...more }).toString()}`
}

/** The name of the provider that the request leads to, past the sign-in page. */
function providerFirst(
  { snapshot }: Tenant,
  request: Readonly<Record<string, string>>,
  chosen: FlowState['chosen'],
): string | undefined {
  const appClient = snapshot.appClients.get(request['client_id'] ?? '')
  if (appClient === undefined || (chosen !== 'login' && mayUseLocalAccounts(appClient))) return undefined
  return directProvider(snapshot.userPool, appClient, request)?.name
}

/** `prompt=create` asks for sign-up (OIDC Prompt Create); `screen_hint` is how our own deep links name a page. */
function firstPage(
  interaction: { params: Record<string, unknown>; prompt: { name: string } },
  signedIn: FlowState['signedIn'],
): FlowState['chosen'] {
  if (interaction.params['screen_hint'] === 'forgotPassword') return 'forgotPassword'
  if (interaction.prompt.name === 'select_account' && signedIn !== undefined) return 'selectAccount'
  return interaction.prompt.name === 'create' ? 'signUp' : 'login'
}

/** Asked again, nobody has to type a name that is known: the session's. */
async function whoIsSignedIn(
  services: DomainServices,
  { snapshot }: Tenant,
  ctx: KoaContextWithOIDC,
): Promise<FlowState['signedIn']> {
  const session = ctx.oidc.session as EngineSession | undefined
  if (session?.accountId === undefined) return undefined
  const user = await services.store.users.findBySub(snapshot.userPool.id, session.accountId)
  if (user === undefined) return undefined
  return { userSub: user.sub, name: nameToSignInWith(snapshot.userPool, user), remembered: session.remembered === true }
}

const firstPagePaths: Record<FlowState['chosen'], string> = {
  login: '/login',
  signUp: '/signup',
  forgotPassword: '/forgotPassword',
  selectAccount: '/selectAccount',
}

/** The person is known by the session, and only the consent is missing. */
function signedInBefore({ oidc }: KoaContextWithOIDC): Pick<FlowState, 'authenticated' | 'consent'> | undefined {
  const { accountId, loginTs, amr } = oidc.session ?? {}
  if (accountId === undefined || loginTs === undefined) return undefined
  return { authenticated: { userSub: accountId, authTime: loginTs, amr: amr ?? [], bySession: true }, consent: 'due' }
}

/** Checks that only a factor more is needed for; whatever else speaks against the session means signing in again. */
const factorReasons: ReadonlySet<string> = new Set(['acr_missing', 'factor_missing'])

/**
 * Whoever is signed in already is asked for the factor that is missing, and no more (step-up). Undefined: they sign in from the
 * start.
 */
async function stepUpOf(
  services: DomainServices,
  ctx: KoaContextWithOIDC,
  { name, reasons = [] }: AskedPrompt,
  request: Readonly<Record<string, string>>,
): Promise<Pick<FlowState, 'attempt' | 'authenticated' | 'stepUp'> | undefined> {
  if (name !== 'login' || reasons.length === 0 || !reasons.every((reason) => factorReasons.has(reason)))
    return undefined
  const { snapshot } = tenantOf(ctx.req)
  const { accountId, loginTs, amr = [] } = ctx.oidc.session ?? {}
  const appClient = snapshot.appClients.get(request['client_id'] ?? '')
  if (accountId === undefined || loginTs === undefined || appClient === undefined) return undefined
  const user = await services.store.users.findBySub(snapshot.userPool.id, accountId)
  const { userPool } = snapshot
  if (user?.enabled !== true || !mayComeIn(userPool, user)) return undefined
  const asked = askedLevel(userPool, request['acr_values'])
  const languages = [request['lang'] ?? '', ...(request['ui_locales'] ?? '').split(' '), ...ctx.acceptsLanguages()]
  const outcome = await continueSignIn(
    askedBy(services, ctx.req, { clientId: appClient.id }),
    { userPool, appClient, asked, languages: languages.filter((language) => /^[A-Za-z-]{2,35}$/.test(language)) },
    { user, amr, startedAt: new Date(loginTs * 1000) },
  )
  if (outcome.kind === 'refused') return undefined
  const stepUp = { authTime: loginTs }
  // Nothing that could be asked for: the finish tells the app.
  if (outcome.kind === 'done') return { stepUp, authenticated: { userSub: user.sub, authTime: loginTs, amr } }
  const { handle, challenge, missingAttributes } = outcome
  // A factor is set up by whoever has just shown the first one, not by whoever finds an open browser (threat row B18).
  if (challenge === 'MFA_SETUP' || challenge === 'NEW_PASSWORD_REQUIRED') return undefined
  return { stepUp, attempt: { idHash: sha256(handle), challenge, missingAttributes } }
}
