import type { Router } from '@koa/router'
import { pendingChange } from '../../domain/attribute-changes/pending-change.ts'
import { updateUserAttributes } from '../../domain/attribute-changes/update-user-attributes.ts'
import {
  cancelAttributeChange,
  sendAttributeVerificationCode,
  verifyUserAttribute,
} from '../../domain/attribute-changes/verify-user-attribute.ts'
import { limitMessages } from '../../domain/rate-limits/consume-limits.ts'
import type { VerifiableAttribute } from '../../domain/user-pools/user-pool.ts'
import type { AttributeProblem } from '../../domain/users/validate-attributes.ts'
import { codeLength } from '../../domain/verification-codes/issue-code.ts'
import type { Alert } from '../../platform/views/page-parts.ts'
import { attributeField } from '../attribute-fields.ts'
import { codeError, limitAlert } from '../attempts-exceeded.ts'
import { showErrorPage } from '../error/error.page.ts'
import type { HostedServices } from '../hosted-services.ts'
import { redirect } from '../step.ts'
import { accountPagePath } from './account-page.ts'
import { action, checkFields, showAccountForm, typedBefore } from './account.page.ts'
import { takeKeptForm } from './kept-form.ts'
import { accountUrl, openAccount, openAccountForm } from './open-account.ts'
import type { AccountFormStep, AccountStep } from './open-account.ts'
import { mayChangeAddress } from './writable-attributes.ts'

type AddressPage = 'email' | 'phone'

export const addressAttribute: Readonly<Record<AddressPage, VerifiableAttribute>> = {
  email: 'email',
  phone: 'phone_number',
}

const sections = { email: 'accountEmail', phone: 'accountPhone' } as const

/**
 * A new address takes the place of the present one when its code comes back, and not before (threat row A7); until then
 * the page asks for that code.
 */
export function addressRoutes(router: Router, services: HostedServices): void {
  for (const page of ['email', 'phone'] as const) {
    router.get(accountPagePath(page), async (ctx) => {
      const step = await openAccount(services, ctx, page)
      if (step === undefined || !mayChange(services, step)) return
      const typed = takeKeptForm(services.domain, step)?.[attributeOf(step)]
      await showAddress(services, step, typed === undefined ? {} : { typed, alert: typedBefore(step) })
    })
    router.post(accountPagePath(page), async (ctx) => {
      const step = await openAccountForm(services, ctx, page)
      if (step === undefined || !mayChange(services, step)) return
      const { form } = step
      if (form.has('cancel')) return cancel(step)
      if (form.has('resend')) return resend(services, step)
      if (form.has('code')) return verify(services, step, form.get('code') ?? '')
      await begin(services, step, (form.get(attributeOf(step)) ?? '').trim())
    })
  }
}

const attributeOf = ({ page }: AccountStep): VerifiableAttribute => addressAttribute[page as AddressPage]

function mayChange(services: HostedServices, step: AccountStep): boolean {
  if (mayChangeAddress(step.userPool, step.appClient, step.user, attributeOf(step))) return true
  showErrorPage(services, step.ctx, 'notFound', { status: 404 })
  return false
}

interface Shown {
  typed?: string
  problem?: AttributeProblem | 'addressTaken'
  codeError?: string
  /** Another code was asked for. */
  resent?: boolean
  alert?: Alert
}

async function showAddress(services: HostedServices, step: AccountStep, shown: Shown = {}): Promise<void> {
  const { user, locale, userPool, ctx } = step
  const attribute = attributeOf(step)
  const section = sections[step.page as AddressPage]
  const waiting = shown.typed === undefined ? await waitingAddress(step) : undefined
  // A code that was just refused, or not sent, was one for what is there.
  const asksForCode = ctx.query['verify'] === '1' || shown.codeError !== undefined || shown.resent === true
  if (waiting !== undefined && (waiting.isNew || asksForCode)) return showCode(services, step, waiting, shown)
  const required = userPool.usernameAttributes.includes(attribute)
  const value = shown.typed ?? user.attributes[attribute] ?? ''
  const problem = shown.problem === 'addressTaken' ? undefined : shown.problem
  const field = attributeField(locale, attribute, value, { required, problem })
  const taken = shown.problem === 'addressTaken' ? { error: locale.text('fieldErrors.addressInUse') } : {}
  const alert = shown.alert ?? (shown.problem === undefined ? undefined : checkFields(step))
  const verifies = isUnproved(step) ? [action(step, 'resend', '1', 'accountAddressCode.verifyPresent')] : []
  showAccountForm(services, step, section, { fields: [{ ...field, ...taken }], actions: verifies, alert })
}

function showCode(services: HostedServices, step: AccountStep, waiting: WaitingAddress, shown: Shown): void {
  const { codeError: error, alert } = shown
  const content = {
    code: { length: codeLength, ...(error === undefined ? {} : { error }) },
    actions: [
      action(step, 'resend', '1', 'accountAddressCode.resend'),
      ...(waiting.isNew ? [action(step, 'cancel', '1', 'accountAddressCode.cancel')] : []),
    ],
    alert,
  }
  showAccountForm(services, step, 'accountAddressCode', content, { destination: waiting.address })
}

interface WaitingAddress {
  address: string
  /** It is to take the place of the present one. */
  isNew: boolean
}

/** The address that a code may be out for: a new one, or the present one, where nobody has proved it yet. */
async function waitingAddress(step: AccountStep): Promise<WaitingAddress | undefined> {
  const { domain, user } = step
  const attribute = attributeOf(step)
  const pending = await pendingChange(domain.store, user, attribute, domain.clock.now())
  if (pending !== undefined) return { address: pending.value, isNew: true }
  const address = user.attributes[attribute]
  return address !== undefined && isUnproved(step) ? { address, isNew: false } : undefined
}

function isUnproved(step: AccountStep): boolean {
  const attribute = attributeOf(step)
  const { attributes } = step.user
  const isProved = attributes[attribute] === undefined || attributes[`${attribute}_verified`] === 'true'
  return !isProved && step.userPool.autoVerifiedAttributes.includes(attribute)
}

async function begin(services: HostedServices, step: AccountFormStep, typed: string): Promise<void> {
  const { userPool, appClient, user, session, languages, ctx, domain } = step
  const attribute = attributeOf(step)
  if (typed === (user.attributes[attribute] ?? '')) return redirect(ctx, accountUrl(step, 'home'))
  const asked = { recipients: [typed], clientId: appClient.id, eventType: 'AttributeChange' } as const
  const limited = await limitMessages(domain, userPool, asked)
  if (limited !== undefined) return showAddress(services, step, { typed, alert: limitAlert(step, limited) })
  const request = { userPool, appClient, userSub: user.sub, authTime: session.authTime, languages }
  const outcome = await updateUserAttributes(domain, { ...request, attributes: { [attribute]: typed } })
  if (outcome.kind === 'done') {
    if (outcome.deliveries.length === 0) return redirect(ctx, accountUrl(step, 'home', { notice: 'saved' }))
    return redirect(ctx, accountUrl(step, step.page, { verify: '1' }))
  }
  switch (outcome.reason) {
    case 'invalid':
      return showAddress(services, step, { typed, problem: outcome.problems[attribute] ?? 'invalid' })
    case 'aliasExists':
      return showAddress(services, step, { typed, problem: 'addressTaken' })
    case 'staleAuthentication':
      return redirect(ctx, accountUrl(step))
    default:
      return showAddress(services, step, { typed, problem: 'invalid' })
  }
}

async function verify(services: HostedServices, step: AccountFormStep, code: string): Promise<void> {
  const { userPool, user, languages, ctx } = step
  const attribute = attributeOf(step)
  if (code.trim() === '') return showAddress(services, step, { codeError: step.locale.text('fieldErrors.code') })
  const outcome = await verifyUserAttribute(step.domain, { userPool, userSub: user.sub, attribute, languages, code })
  if (outcome.kind === 'done') return redirect(ctx, accountUrl(step, 'home', { notice: 'addressChanged' }))
  if (outcome.reason === 'aliasExists') {
    await cancelAttributeChange(step.domain, { userPool, userSub: user.sub, attribute })
    return showAddress(services, step, { typed: user.attributes[attribute] ?? '', problem: 'addressTaken' })
  }
  if (outcome.reason === 'notAuthorized') return redirect(ctx, accountUrl(step))
  await showAddress(services, step, { codeError: codeError(step, outcome) })
}

async function resend(services: HostedServices, step: AccountFormStep): Promise<void> {
  const { userPool, user, languages, appClient, ctx, domain } = step
  const attribute = attributeOf(step)
  const waiting = await waitingAddress(step)
  if (waiting === undefined) return redirect(ctx, accountUrl(step))
  // Counted for whoever is written to: with many accounts nobody writes to one address more often (threat row E11).
  const asked = { recipients: [waiting.address], clientId: appClient.id, eventType: 'ResendCode' } as const
  const limited = await limitMessages(domain, userPool, asked)
  if (limited !== undefined) return showAddress(services, step, { resent: true, alert: limitAlert(step, limited) })
  await sendAttributeVerificationCode(domain, { userPool, userSub: user.sub, attribute, languages })
  redirect(ctx, accountUrl(step, step.page, { verify: '1', notice: 'codeResent' }))
}

async function cancel(step: AccountFormStep): Promise<void> {
  const { userPool, user } = step
  await cancelAttributeChange(step.domain, { userPool, userSub: user.sub, attribute: attributeOf(step) })
  redirect(step.ctx, accountUrl(step, 'home', { notice: 'changeCancelled' }))
}
