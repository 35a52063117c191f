import type { Router } from '@koa/router'
import { endOtherSessions, endOwnSession } from '../../domain/sessions/end-own-sessions.ts'
import type { SignedInBrowser } from '../../domain/sessions/browser-session.ts'
import type { HostedServices } from '../hosted-services.ts'
import { isolated } from '../isolated.ts'
import { browserText } from '../browser-text.ts'
import { redirect } from '../step.ts'
import { accountPagePath } from './account-page.ts'
import { action, momentText, showAccountList } from './account.page.ts'
import { accountUrl, idIn, openAccount, openAccountForm } from './open-account.ts'
import type { AccountStep } from './open-account.ts'

/** Where the person is signed in, and how to change that. */
export function sessionsRoutes(router: Router, services: HostedServices): void {
  router.get(accountPagePath('sessions'), async (ctx) => {
    const step = await openAccount(services, ctx, 'sessions')
    if (step !== undefined) await showSessions(services, step)
  })
  router.post(accountPagePath('sessions'), async (ctx) => {
    const step = await openAccountForm(services, ctx, 'sessions')
    if (step === undefined) return
    const { form, domain, userPool, user, session } = step
    const own = { userPoolId: userPool.id, userSub: user.sub }
    const uid = idIn(form, 'end')
    if (form.has('others')) await endOtherSessions(domain, { ...own, uid: session.uid })
    // This one ends by signing out.
    else if (uid !== '' && uid !== session.uid) await endOwnSession(domain, { ...own, uid })
    const notice = form.has('others') ? 'othersSignedOut' : 'signedOutThere'
    redirect(ctx, accountUrl(step, 'sessions', { notice }))
  })
}

async function showSessions(services: HostedServices, step: AccountStep): Promise<void> {
  const { domain, userPool, user, session, tenant } = step
  const at = domain.clock.now()
  const [sessions, grants] = await Promise.all([
    domain.store.browserSessions.ofUser(userPool.id, user.sub, at),
    domain.store.grants.ofUser(userPool.id, user.sub, at),
  ])
  const appsOf = (uid: string | undefined): readonly string[] => [
    ...new Set(
      grants
        .filter(({ sessionUid }) => sessionUid === uid)
        .map(({ clientId }) => tenant.snapshot.appClients.get(clientId)?.name ?? clientId),
    ),
  ]
  const ordered = [...sessions].sort((a, b) => Number(b.uid === session.uid) - Number(a.uid === session.uid))
  showAccountList(services, step, 'accountSessions', {
    items: ordered.map((each) => sessionItem(step, each, appsOf(each.uid))),
    actions:
      sessions.length > 1 || grants.some(({ sessionUid }) => sessionUid !== session.uid)
        ? [action(step, 'others', '1', 'accountSessions.endOthers')]
        : [],
  })
}

function sessionItem(step: AccountStep, session: SignedInBrowser, apps: readonly string[]) {
  const { locale } = step
  const isThis = session.uid === step.session.uid
  const { address, lastUsedAt } = session
  return {
    title: browserText(step, session.userAgent),
    ...(isThis ? { badge: locale.text('accountSessions.thisOne') } : {}),
    lines: [
      locale.text('accountSessions.lines.signedInAt', { at: momentText(step, session.authTime) }),
      ...(lastUsedAt === undefined
        ? []
        : [locale.text('accountSessions.lines.usedAt', { at: momentText(step, lastUsedAt) })]),
      ...(address === undefined ? [] : [locale.text('accountSessions.lines.from', { address: isolated(address) })]),
      ...(apps.length === 0
        ? []
        : [
            locale.text('accountSessions.lines.apps', {
              apps: new Intl.ListFormat(locale.lang).format(apps.map(isolated)),
            }),
          ]),
    ],
    actions: isThis ? [] : [action(step, 'end', session.uid, 'accountSessions.end')],
  }
}
