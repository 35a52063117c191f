import type { Router } from '@koa/router'
import { attributeOf, isMessaged, isMfaType, multipleFactors } from '../../domain/mfa/mfa-type.ts'
import type { MfaType } from '../../domain/mfa/mfa-type.ts'
import { disableFactor, enableFactor, preferFactor } from '../../domain/mfa/own-factors.ts'
import type { FactorOutcome } from '../../domain/mfa/own-factors.ts'
import { maximumSoftwareTokens } from '../../domain/mfa/software-token.ts'
import type { OwnedSoftwareToken } from '../../domain/mfa/software-token.ts'
import { canReceive, usableMfaTypes } from '../../domain/mfa/usable-mfa-types.ts'
import type { AccountAction } from '../../platform/views/account-contexts.ts'
import { relyingPartyOf } from '../../domain/passkeys/relying-party.ts'
import { showErrorPage } from '../error/error.page.ts'
import type { HostedServices } from '../hosted-services.ts'
import { redirect } from '../step.ts'
import { accountPagePath } from './account-page.ts'
import { action, momentText, showAccountList } from './account.page.ts'
import { accountUrl, openAccount, openAccountForm } from './open-account.ts'
import type { AccountFormStep, AccountStep } from './open-account.ts'

/** Second factors: which there are, which is asked for first, and which there could be (Cognito: SetUserMFAPreference). */
export function factorsRoutes(router: Router, services: HostedServices): void {
  router.get(accountPagePath('factors'), async (ctx) => {
    const step = await openAccount(services, ctx, 'factors')
    if (step === undefined) return
    if (step.userPool.mfaConfiguration === 'OFF') return showErrorPage(services, ctx, 'notFound', { status: 404 })
    await showFactors(services, step)
  })
  router.post(accountPagePath('factors'), async (ctx) => {
    const step = await openAccountForm(services, ctx, 'factors')
    if (step === undefined) return
    const done = await doAsAsked(step)
    if (done === undefined) return redirect(ctx, accountUrl(step))
    // Whose first factor this is has not proved it yet, and would be asked for it to see this page again.
    const to = step.session.amr.includes(multipleFactors) ? 'factors' : 'home'
    redirect(ctx, accountUrl(step, to, { notice: noticeOf(done.outcome, done.notice) }))
  })
}

type Done = { outcome: FactorOutcome; notice: string } | undefined

async function doAsAsked({ form, domain, userPool, user }: AccountFormStep): Promise<Done> {
  const [enable = '', disable = '', prefer = '', removeApp = ''] = ['enable', 'disable', 'prefer', 'remove_app'].map(
    (name) => form.get(name),
  )
  if (isMfaType(enable)) {
    return { outcome: await enableFactor(domain, { userPool, user, type: enable }), notice: 'factorAdded' }
  }
  if (isMfaType(disable)) {
    return { outcome: await disableFactor(domain, { userPool, user, type: disable }), notice: 'factorRemoved' }
  }
  if (isMfaType(prefer)) {
    return { outcome: await preferFactor(domain, { userPool, user, type: prefer }), notice: 'factorPreferred' }
  }
  if (removeApp === '') return undefined
  const factor = { userPool, user, type: 'SOFTWARE_TOKEN_MFA', softwareTokenId: removeApp } as const
  return { outcome: await disableFactor(domain, factor), notice: 'factorRemoved' }
}

export function noticeOf(outcome: FactorOutcome, done: string): string {
  if (outcome.kind === 'done') return done
  switch (outcome.reason) {
    case 'required':
      return 'factorRequired'
    case 'tooMany':
      return 'factorTooMany'
    default:
      return 'factorNotAvailable'
  }
}

async function showFactors(services: HostedServices, step: AccountStep): Promise<void> {
  const { userPool, user, locale, domain } = step
  const usable = usableMfaTypes(userPool, user)
  const tokens = userPool.mfaTypes.includes('SOFTWARE_TOKEN_MFA')
    ? await domain.store.softwareTokens.ofUser(userPool.id, user.sub)
    : []
  const prefers = (type: MfaType): readonly AccountAction[] =>
    usable.length > 1 && usable[0] !== type ? [action(step, 'prefer', type, 'accountFactors.prefer')] : []
  const badge = (type: MfaType) =>
    usable.length > 1 && usable[0] === type ? { badge: locale.text('accountFactors.preferred') } : {}
  const items = usable.flatMap((type) => {
    if (type === 'WEB_AUTHN') return [passkeyItem(step, badge(type), prefers(type))]
    if (!isMessaged(type))
      return tokens.map((token, index) => appItem(step, token, index, { ...badge(type) }, prefers(type)))
    const chosen = user.mfaTypes?.includes(type) === true
    return [
      {
        title: locale.text(`mfaTypes.${type}.name`),
        ...badge(type),
        lines: [user.attributes[attributeOf[type]] ?? ''],
        actions: [...prefers(type), ...(chosen ? [action(step, 'disable', type, 'accountFactors.remove')] : [])],
      },
    ]
  })
  const offered = userPool.mfaTypes.filter(
    (type) => (isMessaged(type) || type === 'WEB_AUTHN') && user.mfaTypes?.includes(type) !== true,
  )
  showAccountList(services, step, 'accountFactors', {
    items,
    none: locale.text('accountFactors.none'),
    actions: offered
      .filter((type) => canReceive(user, type))
      .map((type) => action(step, 'enable', type, `accountFactors.enable.${type}`)),
    more: waysToMore(step, tokens.length, offered),
  })
}

/** All of them together: which there are is a page of its own. */
function passkeyItem(step: AccountStep, badge: { badge?: string }, prefers: readonly AccountAction[]) {
  const { user, locale } = step
  const chosen = user.mfaTypes?.includes('WEB_AUTHN') === true
  return {
    title: locale.text('mfaTypes.WEB_AUTHN.name'),
    ...badge,
    lines: [locale.text('accountFactors.lines.passkey')],
    actions: [...prefers, ...(chosen ? [action(step, 'disable', 'WEB_AUTHN', 'accountFactors.remove')] : [])],
  }
}

/** An authenticator app is told from another by when it was set up. */
function appItem(
  step: AccountStep,
  token: OwnedSoftwareToken,
  index: number,
  badge: { badge?: string },
  prefers: readonly AccountAction[],
) {
  const { locale } = step
  return {
    title: locale.text('mfaTypes.SOFTWARE_TOKEN_MFA.name'),
    ...(index === 0 ? badge : {}),
    lines: [
      locale.text('accountFactors.lines.addedAt', { at: momentText(step, token.createdAt) }),
      locale.text('accountFactors.lines.usedAt', { at: momentText(step, token.lastUsedAt) }),
    ],
    actions: [...(index === 0 ? prefers : []), action(step, 'remove_app', token.id, 'accountFactors.remove')],
  }
}

function waysToMore(step: AccountStep, apps: number, offered: readonly MfaType[]) {
  const { userPool, user, locale } = step
  const mayAddApp = userPool.mfaTypes.includes('SOFTWARE_TOKEN_MFA') && apps < maximumSoftwareTokens
  const needsPhone = offered.includes('SMS_MFA') && !canReceive(user, 'SMS_MFA')
  return [
    ...(mayAddApp
      ? [
          {
            href: accountUrl(step, 'app'),
            label: locale.text(apps === 0 ? 'accountFactors.addApp' : 'accountFactors.addAnotherApp'),
          },
        ]
      : []),
    ...(usableMfaTypes(userPool, user).length > 0
      ? [{ href: accountUrl(step, 'recoveryCodes'), label: locale.text('accountFactors.recoveryCodes') }]
      : []),
    ...(userPool.mfaTypes.includes('WEB_AUTHN') &&
    user.hasPasskeys !== true &&
    relyingPartyOf(step.tenant) !== undefined
      ? [{ href: accountUrl(step, 'passkeys'), label: locale.text('accountFactors.addPasskey') }]
      : []),
    ...(needsPhone ? [{ href: accountUrl(step, 'phone'), label: locale.text('accountFactors.provePhone') }] : []),
  ]
}
