import type { ConsentScope } from '../../platform/views/page-parts.ts'
import type { User } from '../../domain/users/user.ts'
import type { HostedServices } from '../hosted-services.ts'
import { formOf, noticeOf, pageRequest, showPage } from '../render.ts'
import { pageUrl } from '../step.ts'
import type { Step } from '../step.ts'
import type { AskedConsent } from './asked-consent.ts'

export function showConsentPage(services: HostedServices, step: Step, asked: AskedConsent): void {
  // The page speaks for the service, not for the app that asks: the app's own name and logo stay off its head.
  const request = { ...pageRequest(step), appClient: undefined }
  showPage(services, request, 'pages/consent', 'consent', {
    form: formOf(services, step, 'consent'),
    shown: asked.shown,
    client: step.appClient.name,
    account: accountName(asked.user),
    scopes: asked.scopes.map((scope) => describe(step, asked, scope)),
    destination: destinationOf(asked.redirectUri),
    links: { otherAccount: pageUrl(step, 'login') },
    alert: noticeOf(step),
  })
}

/** Texts of our own for the scopes that every pool knows. */
const textKeys: ReadonlyMap<string, string> = new Map([
  ['openid', 'openid'],
  ['email', 'email'],
  ['phone', 'phone'],
  ['profile', 'profile'],
  ['aws.cognito.signin.user.admin', 'admin'],
])

function describe({ locale }: Step, asked: AskedConsent, scope: string): ConsentScope {
  const known = textKeys.get(scope)
  const custom = asked.descriptions.get(scope)
  const allowed = asked.allowed.includes(scope) ? { allowed: true } : {}
  if (known !== undefined) return { text: locale.text(`consent.scopes.${known}`), ...allowed }
  return { text: custom?.text ?? scope, ...(custom && { resourceServer: custom.resourceServer }), ...allowed }
}

/** Where people sign in by address, the user name is one that nobody has ever typed. */
const accountName = ({ sub, username, attributes }: User): string =>
  username === sub ? (attributes['email'] ?? attributes['phone_number'] ?? username) : username

/** The host that gets the answer, or the scheme of an app on the device. */
function destinationOf(redirectUri: string): string {
  const { host, protocol } = new URL(redirectUri)
  return /^https?:$/.test(protocol) ? host : protocol
}
