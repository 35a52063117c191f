import type { Router } from '@koa/router'
import type { Device } from '../../domain/devices/device.ts'
import { forgetDevice, forgetDevices } from '../../domain/devices/forget-devices.ts'
import { devicesReplaceMfa } from '../../domain/devices/recognise-device.ts'
import { browserText } from '../browser-text.ts'
import { showErrorPage } from '../error/error.page.ts'
import type { HostedServices } from '../hosted-services.ts'
import { isolated } from '../isolated.ts'
import { heldDeviceHashes } from '../remembered-device.ts'
import { redirect } from '../step.ts'
import { accountPagePath } from './account-page.ts'
import { action, momentText, showAccountList } from './account.page.ts'
import { accountUrl, idIn, openAccount, openAccountForm } from './open-account.ts'
import type { AccountStep } from './open-account.ts'

/** Where the person is not asked for a second factor (Cognito: ListDevices, ForgetDevice). */
export function devicesRoutes(router: Router, services: HostedServices): void {
  router.get(accountPagePath('devices'), async (ctx) => {
    const step = await openAccount(services, ctx, 'devices')
    if (step !== undefined && isOffered(services, step)) await showDevices(services, step)
  })
  router.post(accountPagePath('devices'), async (ctx) => {
    const step = await openAccountForm(services, ctx, 'devices')
    if (step === undefined || !isOffered(services, step)) return
    const { form, domain, userPool, user } = step
    const owner = { userPoolId: userPool.id, userSub: user.sub }
    const isAll = form.has('all')
    if (isAll) await forgetDevices(domain, owner)
    else await forgetDevice(domain, { ...owner, deviceKey: idIn(form, 'forget') })
    redirect(ctx, accountUrl(step, 'devices', { notice: isAll ? 'devicesForgotten' : 'deviceForgotten' }))
  })
}

function isOffered(services: HostedServices, { ctx, userPool }: AccountStep): boolean {
  if (devicesReplaceMfa(userPool) && userPool.mfaConfiguration !== 'OFF') return true
  showErrorPage(services, ctx, 'notFound', { status: 404 })
  return false
}

async function showDevices(services: HostedServices, step: AccountStep): Promise<void> {
  const { domain, userPool, user, locale } = step
  const devices = await domain.store.devices.ofUser(userPool.id, user.sub, domain.clock.now())
  const held = heldDeviceHashes(step)
  showAccountList(services, step, 'accountDevices', {
    items: devices.map((device) => deviceItem(step, device, held.includes(device.secretHash))),
    none: locale.text('accountDevices.none'),
    actions: devices.length > 1 ? [action(step, 'all', '1', 'accountDevices.forgetAll')] : [],
  })
}

function deviceItem(step: AccountStep, device: Device, isThis: boolean) {
  const { locale } = step
  const { address } = device
  const line = (name: string, at: Date): string =>
    locale.text(`accountDevices.lines.${name}`, { at: momentText(step, at) })
  return {
    title: browserText(step, device.userAgent),
    ...(isThis ? { badge: locale.text('accountDevices.thisOne') } : {}),
    lines: [
      line('rememberedAt', device.createdAt),
      line('usedAt', device.lastUsedAt),
      ...(address === undefined ? [] : [locale.text('accountDevices.lines.from', { address: isolated(address) })]),
      line('until', device.expiresAt),
    ],
    actions: [action(step, 'forget', device.deviceKey, 'accountDevices.forget')],
  }
}
