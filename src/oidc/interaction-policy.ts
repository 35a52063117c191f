import { interactionPolicy } from 'oidc-provider'
import type { interactionPolicy as policyTypes } from 'oidc-provider'

const { base, Check, Prompt } = interactionPolicy

/**
 * When the person has to be asked: the engine's checks, with `create` (OIDC Prompt Create) and `select_account` added.
 * First-party clients are asked for no consent, so only a requested `prompt=consent` leads to one.
 */
export function createInteractionPolicy(): policyTypes.DefaultPolicy {
  const policy = base()
  policy
    .get('login')
    ?.checks.add(
      new Check('account_gone', 'the signed-in account is not there any more', (ctx) =>
        ctx.oidc.session?.accountId !== undefined && ctx.oidc.account === undefined
          ? Check.REQUEST_PROMPT
          : Check.NO_NEED_TO_PROMPT,
      ),
    )
  policy.add(new Prompt({ name: 'create', requestable: true }), 0)
  policy.add(new Prompt({ name: 'select_account', requestable: true }), 1)
  policy.get('consent')?.checks.remove('native_client_prompt')
  return policy
}
