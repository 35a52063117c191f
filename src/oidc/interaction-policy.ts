import { interactionPolicy } from 'oidc-provider'
import type { interactionPolicy as policyTypes, KoaContextWithOIDC } from 'oidc-provider'
import { askedLevel, levelOf } from '../domain/assurance/levels.ts'
import { hasSecondFactor } from '../domain/devices/recognise-device.ts'
import { epochSeconds } from '../platform/clock.ts'
import type { Clock } from '../platform/clock.ts'
import type { UserPoolSnapshot } from '../domain/user-pools/user-pool-directory.ts'
import { maxAgeParameter } from './authorization-request.ts'
import { hasJustSignedIn, mustSignInAgain } from './session-use.ts'

const { base, Check, Prompt } = interactionPolicy

/** What `prompt=none` is told; the engine gives this only to checks of its own. */
const required = 'login_required'

/**
 * When the person has to be asked: the engine's checks, with `create` (OIDC Prompt Create) and `select_account` added.
 * Consent is asked for third-party clients: where a scope is not in the grant that the stored consent makes
 * (`loadExistingGrant`), or with `prompt=consent`, which means nothing for the operator's own (decision 11).
 */
export function createInteractionPolicy(clock: Clock, snapshot: UserPoolSnapshot): policyTypes.DefaultPolicy {
  const policy = base()
  const checks = policy.get('login')?.checks
  checks?.add(
    new Check('account_gone', 'the signed-in account is not there any more', required, (ctx) =>
      ctx.oidc.session?.accountId !== undefined && ctx.oidc.account === undefined
        ? Check.REQUEST_PROMPT
        : Check.NO_NEED_TO_PROMPT,
    ),
  )
  checks?.add(
    new Check('session_over', 'the sign-in is too long ago for this client', required, (ctx) =>
      mustSignInAgain(ctx, snapshot, clock) ? Check.REQUEST_PROMPT : Check.NO_NEED_TO_PROMPT,
    ),
  )
  checks?.add(
    new Check('factor_missing', 'the user pool asks for a second factor', required, ({ oidc }) =>
      snapshot.userPool.mfaConfiguration === 'ON' &&
      oidc.session?.accountId !== undefined &&
      !hasSecondFactor(snapshot.userPool, oidc.session.amr ?? [])
        ? Check.REQUEST_PROMPT
        : Check.NO_NEED_TO_PROMPT,
    ),
  )
  checks?.add(
    new Check('acr_missing', 'the request asks for more than has been proved', required, (ctx) =>
      ctx.oidc.session?.accountId !== undefined &&
      !hasJustSignedIn(ctx) &&
      levelOf(ctx.oidc.session.amr ?? []) < askedLevel(snapshot.userPool, textOf(ctx.oidc.params?.['acr_values']))
        ? Check.REQUEST_PROMPT
        : Check.NO_NEED_TO_PROMPT,
    ),
  )
  // In place of the engine's: see authorization-request.ts.
  checks?.remove('max_age')
  checks?.add(
    new Check('max_age', 'End-User authentication could not be obtained', required, (ctx) =>
      isOlderThanAsked(ctx, clock) ? Check.REQUEST_PROMPT : Check.NO_NEED_TO_PROMPT,
    ),
  )
  policy.add(new Prompt({ name: 'create', requestable: true }), 0)
  policy.add(new Prompt({ name: 'select_account', requestable: true }), 1)
  const consent = policy.get('consent')
  consent?.checks.remove('native_client_prompt')
  consent?.checks.remove('consent_prompt')
  consent?.checks.add(
    new Check('consent_prompt', 'consent prompt was not resolved', 'consent_required', ({ oidc }) =>
      snapshot.appClients.get(oidc.client?.clientId ?? '')?.thirdParty === true && oidc.promptPending('consent')
        ? Check.REQUEST_PROMPT
        : Check.NO_NEED_TO_PROMPT,
    ),
    0,
  )
  return policy
}

const textOf = (parameter: unknown): string | undefined => (typeof parameter === 'string' ? parameter : undefined)

/** OpenID Connect Core §3.1.2.1; 0 means what `prompt=login` means. */
function isOlderThanAsked(ctx: KoaContextWithOIDC, clock: Clock): boolean {
  const asked = ctx.oidc.params?.[maxAgeParameter]
  if (asked === undefined || hasJustSignedIn(ctx)) return false
  const age = epochSeconds(clock.now()) - (ctx.oidc.session?.loginTs ?? 0)
  return Number(asked) === 0 || age > Number(asked)
}
