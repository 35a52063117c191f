import type { Router } from '@koa/router'
import type { AppClient } from '../../domain/app-clients/app-client.ts'
import { availableProviders } from '../../domain/app-clients/sign-in-methods.ts'
import { providerOf } from '../../domain/identity-providers/find-provider.ts'
import { maximumIdentities } from '../../domain/identity-providers/identity-provider.ts'
import type { Identity, IdentityProvider } from '../../domain/identity-providers/identity-provider.ts'
import { linkIdentity, unlinkIdentity } from '../../domain/identity-providers/own-identities.ts'
import { beginAtProvider, openProviderState } from '../../domain/identity-providers/provider-state.ts'
import { ProviderFailure } from '../../domain/ports/identity-provider-connector.ts'
import type { UserPool } from '../../domain/user-pools/user-pool.ts'
import type { User } from '../../domain/users/user.ts'
import { knownBrowserHandle } from '../../oidc/interaction.ts'
import { showErrorPage } from '../error/error.page.ts'
import { hintsOf, redirectUriOf } from '../federation/provider-request.ts'
import { failureText } from '../federation/tell-federation.ts'
import type { HostedServices } from '../hosted-services.ts'
import { isolated } from '../isolated.ts'
import { onlyOne } from '../link-visit.ts'
import { errorAlert } from '../render.ts'
import { redirect } from '../step.ts'
import { accountPagePath } from './account-page.ts'
import { action, momentText, showAccountList } from './account.page.ts'
import { accountForm, accountUrl, isFormToken, openAccount, openAccountForm } from './open-account.ts'
import type { AccountStep } from './open-account.ts'

/** Accounts at identity providers that the person signs in with here: another one, or one less. */
export function identitiesRoutes(router: Router, services: HostedServices): void {
  router.get(accountPagePath('identities'), async (ctx) => {
    const step = await openAccount(services, ctx, 'identities')
    if (step === undefined || !isOffered(services, step)) return
    if (ctx.query['state'] !== undefined) await comeBack(services, step)
    else if (ctx.query['link'] !== undefined) await goThere(services, step)
    else showIdentities(services, step)
  })
  router.post(accountPagePath('identities'), async (ctx) => {
    const step = await openAccountForm(services, ctx, 'identities')
    if (step === undefined || !isOffered(services, step)) return
    const { form, domain, userPool, user } = step
    const outcome = await unlinkIdentity(domain, { userPool, user, identity: identityIn(form.get('unlink') ?? '') })
    const notices = {
      lastWayIn: 'identityLastWayIn',
      notLinked: 'identityNotLinked',
      notAuthorized: 'identityNotLinked',
    }
    const notice = outcome.kind === 'done' ? 'identityUnlinked' : notices[outcome.reason]
    redirect(ctx, accountUrl(step, 'identities', { notice }))
  })
}

/** Whether the user has any, or could have. */
export const hasIdentities = (userPool: UserPool, appClient: AppClient, { identities }: User): boolean =>
  identities !== undefined || availableProviders(userPool, appClient).length > 0

function isOffered(services: HostedServices, step: AccountStep): boolean {
  if (hasIdentities(step.userPool, step.appClient, step.user)) return true
  showErrorPage(services, step.ctx, 'notFound', { status: 404 })
  return false
}

/**
 * A link that only a page of this very session has: the address of a provider's is none that a form may end at. Whoever could send
 * somebody there would have them link what is not theirs.
 */
async function goThere(services: HostedServices, step: AccountStep): Promise<void> {
  const { ctx, tenant, userPool, user, session, appClient, browser, domain } = step
  const provider = linkable(step).find(({ name }) => name === ctx.query['link'])
  if (provider === undefined || !isFormToken(services, step, String(ctx.query['_csrf']))) {
    return redirect(ctx, accountUrl(step))
  }
  try {
    const location = await beginAtProvider(domain, {
      ...{ userPool, provider, browser },
      purpose: { kind: 'link', userSub: user.sub, sessionUid: session.uid, clientId: appClient.id },
      redirectUri: redirectUriOf(tenant),
      // Whoever sits here now shows there who they are: another's account may be open in this browser.
      ...hintsOf(provider, { prompt: 'login' }),
    })
    redirect(ctx, location)
  } catch (error) {
    if (!(error instanceof ProviderFailure)) throw error
    showIdentities(services, step, failureText(step, provider, error))
  }
}

async function comeBack(services: HostedServices, step: AccountStep): Promise<void> {
  const { ctx, tenant, userPool, user, session, domain } = step
  const query = new URLSearchParams(ctx.querystring)
  query.delete('client_id')
  const opened = openProviderState(domain, userPool, knownBrowserHandle(tenant, ctx), onlyOne(query, 'state'))
  const { purpose } = opened ?? {}
  const isOurs = purpose?.kind === 'link' && purpose.userSub === user.sub && purpose.sessionUid === session.uid
  if (opened === undefined || !isOurs || !(await opened.spend())) {
    return redirect(ctx, accountUrl(step, 'identities', { notice: 'identityInterrupted' }))
  }
  const { provider, request } = opened
  try {
    const answer = await domain.connector.finish(provider, { ...request, redirectUri: redirectUriOf(tenant) }, query)
    const outcome = await linkIdentity(domain, { userPool, user, provider, answer })
    const notices = {
      ...{ identityTaken: 'identityTaken', identityKnown: 'identityKnown' },
      ...{ tooMany: 'factorTooMany', notAuthorized: 'identityInterrupted' },
    }
    const notice = outcome.kind === 'done' ? 'identityLinked' : notices[outcome.reason]
    redirect(ctx, accountUrl(step, 'identities', { notice }))
  } catch (error) {
    if (!(error instanceof ProviderFailure)) throw error
    showIdentities(services, step, failureText(step, provider, error))
  }
}

function showIdentities(services: HostedServices, step: AccountStep, problem?: string): void {
  const { user, locale } = step
  const { identities = [] } = user
  const { csrf } = accountForm(services, step)
  showAccountList(services, step, 'accountIdentities', {
    items: identities.map((identity) => identityItem(step, identity)),
    none: locale.text('accountIdentities.none'),
    buttons: linkable(step).map(({ name }) => ({
      href: accountUrl(step, 'identities', { link: name, _csrf: csrf }),
      label: locale.text('accountIdentities.providers.link', { provider: isolated(name) }),
    })),
    ...(problem === undefined ? {} : { alert: errorAlert(problem) }),
  })
}

/** Those at which the user may link an account; none once there are as many as there may be. */
const linkable = ({ userPool, appClient, user }: AccountStep): readonly IdentityProvider[] =>
  (user.identities ?? []).length < maximumIdentities ? availableProviders(userPool, appClient) : []

function identityItem(step: AccountStep, identity: Identity) {
  const { locale, userPool } = step
  const at = momentText(step, new Date(identity.linkedAt))
  return {
    title: identity.providerName,
    lines: [
      locale.text(`accountIdentities.lines.${identity.primary ? 'cameWith' : 'linkedAt'}`, { at }),
      ...(providerOf(userPool, identity) === undefined ? [locale.text('accountIdentities.lines.gone')] : []),
    ],
    actions: [action(step, 'unlink', valueOf(identity), 'accountIdentities.unlink')],
  }
}

const valueOf = ({ providerName, userId }: Identity): string => JSON.stringify([providerName, userId])

/** What a button of the page sends; what it does not is nobody's. */
function identityIn(value: string): { providerName: string; userId: string } {
  try {
    const [providerName, userId] = JSON.parse(value) as unknown[]
    return { providerName: String(providerName), userId: String(userId) }
  } catch {
    return { providerName: '', userId: '' }
  }
}
