import type { Router } from '@koa/router'
import { addPasskey, removePasskey, renamePasskey } from '../../domain/passkeys/own-passkeys.ts'
import type { AddPasskeyOutcome } from '../../domain/passkeys/own-passkeys.ts'
import { maximumPasskeys } from '../../domain/passkeys/passkey.ts'
import type { OwnedPasskey } from '../../domain/passkeys/passkey.ts'
import { hasPasskeys, relyingPartyOf } from '../../domain/passkeys/relying-party.ts'
import { browserText } from '../browser-text.ts'
import { showErrorPage } from '../error/error.page.ts'
import type { HostedServices } from '../hosted-services.ts'
import { isolated } from '../isolated.ts'
import { addCeremony, passkeyCreation } from '../passkey/passkey-parts.ts'
import { errorAlert } from '../render.ts'
import { redirect } from '../step.ts'
import { accountPagePath } from './account-page.ts'
import { action, momentText, showAccountList } from './account.page.ts'
import { accountForm, accountUrl, openAccount, openAccountForm } from './open-account.ts'
import type { AccountFormStep, AccountStep } from './open-account.ts'

/** Passkeys: which there are, when they were used, and another one. */
export function passkeysRoutes(router: Router, services: HostedServices): void {
  router.get(accountPagePath('passkeys'), async (ctx) => {
    const step = await openAccount(services, ctx, 'passkeys')
    if (step !== undefined && isOffered(services, step)) await showPasskeys(services, step)
  })
  router.post(accountPagePath('passkeys'), async (ctx) => {
    const step = await openAccountForm(services, ctx, 'passkeys')
    if (step === undefined || !isOffered(services, step)) return
    if (step.form.has('credential')) await add(services, step)
    else redirect(ctx, accountUrl(step, 'passkeys', { notice: await change(step) }))
  })
}

function isOffered(services: HostedServices, step: AccountStep): boolean {
  if (hasPasskeys(step.userPool) && relyingPartyOf(step.tenant) !== undefined) return true
  showErrorPage(services, step.ctx, 'notFound', { status: 404 })
  return false
}

/** With what the form brought. */
export async function addOwnPasskey(step: AccountFormStep): Promise<AddPasskeyOutcome> {
  const { form, domain, userPool, user, ctx } = step
  const ceremony = addCeremony(step, user)
  const credential = form.get('credential') ?? ''
  const name = browserText(step, ctx.get('User-Agent'))
  if (ceremony === undefined) return { kind: 'refused', reason: 'notAvailable' }
  return addPasskey(domain, { userPool, user, ceremony, credential, name })
}

async function add(services: HostedServices, step: AccountFormStep): Promise<void> {
  const outcome = await addOwnPasskey(step)
  if (outcome.kind === 'done') return redirect(step.ctx, accountUrl(step, 'passkeys', { notice: 'passkeyAdded' }))
  await showPasskeys(services, step, outcome.reason)
}

const texts: Readonly<Record<Extract<AddPasskeyOutcome, { kind: 'refused' }>['reason'], string>> = {
  notVerified: 'outcomes.passkeyNotMade',
  known: 'outcomes.passkeyKnown',
  notAvailable: 'accountNotices.factorNotAvailable',
  tooMany: 'accountNotices.factorTooMany',
}

/** @returns the notice that tells of it */
async function change({ form, domain, userPool, user }: AccountFormStep): Promise<string> {
  const id = /^[\w-]{1,1400}$/.exec(form.get('id') ?? '')?.[0] ?? ''
  if (form.has('name')) {
    const isDone = await renamePasskey(domain, { userPool, user, id, name: form.get('name') ?? '' })
    return isDone ? 'saved' : 'factorNotAvailable'
  }
  const outcome = await removePasskey(domain, { userPool, user, id: form.get('remove') ?? '' })
  if (outcome.kind === 'done') return 'passkeyRemoved'
  return outcome.reason === 'required' ? 'factorRequired' : 'factorNotAvailable'
}

async function showPasskeys(services: HostedServices, step: AccountStep, refusal?: keyof typeof texts): Promise<void> {
  const { userPool, user, locale, domain, tenant } = step
  const owned = await domain.store.passkeys.ofUser(userPool.id, user.sub)
  const form = accountForm(services, step)
  const creation = owned.length < maximumPasskeys && (await passkeyCreation(services, step, user, owned, form))
  const rpId = relyingPartyOf(tenant)?.id
  const here = owned.filter((passkey) => passkey.rpId === rpId)
  const signal = {
    kind: 'accepted',
    rpId,
    userId: Buffer.from(user.sub).toString('base64url'),
    allAcceptedCredentialIds: here.map(({ id }) => id),
  }
  showAccountList(services, step, 'accountPasskeys', {
    items: owned.map((passkey) => passkeyItem(step, passkey, rpId)),
    none: locale.text('accountPasskeys.none'),
    ...(creation === undefined || creation === false
      ? {}
      : { passkey: { ...creation, signal: JSON.stringify(signal) } }),
    ...(refusal === undefined ? {} : { alert: errorAlert(locale.text(texts[refusal])) }),
  })
}

function passkeyItem(step: AccountStep, passkey: OwnedPasskey, rpId: string | undefined) {
  const { locale } = step
  const { lastUsedAt } = passkey
  return {
    title: passkey.name,
    lines: [
      locale.text('accountPasskeys.lines.addedAt', { at: momentText(step, passkey.createdAt) }),
      lastUsedAt === undefined
        ? locale.text('accountPasskeys.lines.neverUsed')
        : locale.text('accountPasskeys.lines.usedAt', { at: momentText(step, lastUsedAt) }),
      ...(passkey.rpId === rpId
        ? []
        : [locale.text('accountPasskeys.lines.elsewhere', { domain: isolated(passkey.rpId) })]),
    ],
    field: { id: passkey.id, value: passkey.name },
    actions: [action(step, 'remove', passkey.id, 'accountPasskeys.remove')],
  }
}
