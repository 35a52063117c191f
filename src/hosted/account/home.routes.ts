import type { Router } from '@koa/router'
import { appHome } from '../../domain/app-clients/app-home.ts'
import { usableMfaTypes } from '../../domain/mfa/usable-mfa-types.ts'
import { devicesReplaceMfa } from '../../domain/devices/recognise-device.ts'
import { hasPasskeys, relyingPartyOf } from '../../domain/passkeys/relying-party.ts'
import { nameToSignInWith } from '../../domain/users/sign-in-name.ts'
import type { HostedServices } from '../hosted-services.ts'
import { pagePaths } from '../paths.ts'
import { showPage } from '../render.ts'
import { redirect } from '../step.ts'
import { isAccountPage } from './account-page.ts'
import type { AccountPage } from './account-page.ts'
import { accountNotice, accountPageRequest } from './account.page.ts'
import { addressAttribute } from './address.routes.ts'
import { hasIdentities } from './identities.routes.ts'
import { hasOwnPassword } from './password.routes.ts'
import { accountUrl, openAccount } from './open-account.ts'
import type { AccountStep } from './open-account.ts'
import { mayChangeAddress, writableAttributes } from './writable-attributes.ts'

/** The first page of an account, and where a sign-in for any of its pages comes back to. */
export function homeRoutes(router: Router, services: HostedServices): void {
  router.get(pagePaths.account, async (ctx) => {
    const step = await openAccount(services, ctx, 'home')
    if (step === undefined) return
    const { page, answer } = ctx.query
    if (typeof page === 'string' && isAccountPage(page) && page !== 'home') {
      const marker = typeof answer === 'string' ? { answer } : {}
      return redirect(ctx, accountUrl(step, page, marker))
    }
    showHome(services, step)
  })
}

function showHome(services: HostedServices, step: AccountStep): void {
  const { tenant, appClient, userPool, user, locale } = step
  const app = appHome(appClient)
  const signOut = `${tenant.basePath}${pagePaths.logout}?${new URLSearchParams({ client_id: appClient.id }).toString()}`
  showPage(services, accountPageRequest(step), 'pages/account', 'account', {
    name: nameToSignInWith(userPool, user),
    sections: pagesFor(step).map((page) => ({
      href: accountUrl(step, page),
      title: locale.text(`account.pages.${page}.title`),
      text: textFor(step, page),
    })),
    links: { signOut, ...(app === undefined ? {} : { app }) },
    alert: accountNotice(step),
  })
}

/** Pages on which this user can do something. */
function pagesFor({ userPool, appClient, user, tenant }: AccountStep): readonly AccountPage[] {
  const hasFactors = userPool.mfaConfiguration !== 'OFF' && userPool.mfaTypes.length > 0
  const writable = new Set(writableAttributes(userPool, appClient, user))
  return [
    ...(writable.size > 0 ? (['profile'] as const) : []),
    ...(['email', 'phone'] as const).filter((page) =>
      mayChangeAddress(userPool, appClient, user, addressAttribute[page]),
    ),
    ...(hasOwnPassword(user) ? (['password'] as const) : []),
    ...(hasPasskeys(userPool) && relyingPartyOf(tenant) !== undefined ? (['passkeys'] as const) : []),
    ...(hasIdentities(userPool, appClient, user) ? (['identities'] as const) : []),
    ...(hasFactors ? (['factors'] as const) : []),
    ...(hasFactors && devicesReplaceMfa(userPool) ? (['devices'] as const) : []),
    'sessions',
    'apps',
    'activity',
    'data',
    'delete',
  ]
}

/** What stands below a page's title: what is in force, or what it is for. */
function textFor({ userPool, user, locale }: AccountStep, page: AccountPage): string {
  if (page === 'email' || page === 'phone') {
    return user.attributes[addressAttribute[page]] ?? locale.text(`account.pages.${page}.text`)
  }
  if (page !== 'factors') return locale.text(`account.pages.${page}.text`)
  const names = usableMfaTypes(userPool, user).map((type) => locale.text(`mfaTypes.${type}.name`))
  return names.length === 0
    ? locale.text('account.pages.factors.text')
    : new Intl.ListFormat(locale.lang, { type: 'conjunction' }).format(names)
}
