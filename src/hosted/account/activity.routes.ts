import type { Router } from '@koa/router'
import type { AuditEventType, LinkedAuditEvent } from '../../domain/audit/audit-event.ts'
import { listAuditEvents } from '../../domain/audit/list-events.ts'
import { showErrorPage } from '../error/error.page.ts'
import type { HostedServices } from '../hosted-services.ts'
import { browserText } from '../browser-text.ts'
import { isolated } from '../isolated.ts'
import { accountPagePath } from './account-page.ts'
import { momentText, showAccountList } from './account.page.ts'
import { accountUrl, openAccount } from './open-account.ts'
import type { AccountStep } from './open-account.ts'

const eventsPerPage = 25

/** What has happened to the account, from the audit trail, the latest first. */
export function activityRoutes(router: Router, services: HostedServices): void {
  router.get(accountPagePath('activity'), async (ctx) => {
    const step = await openAccount(services, ctx, 'activity')
    if (step === undefined) return
    const { domain, userPool, user, locale } = step
    const { token } = ctx.query
    const query = {
      userPoolId: userPool.id,
      limit: eventsPerPage,
      oldestFirst: false,
      subjects: [user.sub],
      eventTypes: shownEvents,
    }
    const page = await listAuditEvents(domain, typeof token === 'string' ? { ...query, token } : query)
    if (page.kind === 'refused') return showErrorPage(services, ctx, 'invalidRequest', { status: 400 })
    const older = page.nextToken
    showAccountList(services, step, 'accountActivity', {
      items: page.events.map((event) => eventItem(step, event)),
      none: locale.text('accountActivity.none'),
      more:
        older === undefined
          ? []
          : [{ href: accountUrl(step, 'activity', { token: older }), label: locale.text('accountActivity.older') }],
    })
  })
}

/** What somebody looks for, in the texts of `auditEvents`; not what apps do all day. */
const shownEvents: readonly AuditEventType[] = [
  ...(['SignIn', 'SignUp', 'ForgotPassword', 'PasswordChange', 'MfaSetUp', 'MfaReset', 'ResendCode'] as const),
  ...(['ConfirmSignUp', 'AttributeChange', 'AttributeChangeCancel', 'VerifyAttribute'] as const),
  ...(['Consent', 'ConsentWithdraw', 'TokenReuse', 'TokenRevoke', 'SignOut', 'GlobalSignOut'] as const),
  ...(['UserCreate', 'UserConfirm', 'UserEnable', 'UserDisable', 'UserSetPassword', 'UserUpdate'] as const),
  ...(['UserAddToGroup', 'UserExport', 'RecoveryCodesCreate', 'PasskeyAdd', 'PasskeyRemove'] as const),
  ...(['IdentityLink', 'IdentityUnlink'] as const),
  ...(['DeviceRemember', 'DeviceForget'] as const),
]

function eventItem(step: AccountStep, event: LinkedAuditEvent) {
  const { locale, tenant } = step
  const { clientId, address, userAgent, actor } = event
  const app = clientId === undefined ? undefined : (tenant.snapshot.appClients.get(clientId)?.name ?? clientId)
  const failed = event.response === 'Fail' ? { badge: locale.text('accountActivity.failed') } : {}
  return {
    title: locale.text(`auditEvents.${event.eventType}`),
    ...failed,
    lines: [
      momentText(step, event.at),
      ...(actor === 'user' ? [browserText(step, userAgent)] : [locale.text(`accountActivity.by.${actor}`)]),
      ...(address === undefined ? [] : [locale.text('accountSessions.lines.from', { address: isolated(address) })]),
      ...(app === undefined ? [] : [locale.text('accountActivity.lines.app', { app: isolated(app) })]),
    ],
    actions: [],
  }
}
