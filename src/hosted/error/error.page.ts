import type { Context } from 'koa'
import type { AppClient } from '../../domain/app-clients/app-client.ts'
import { appHome } from '../../domain/app-clients/app-home.ts'
import type { Tenant } from '../../domain/user-pools/tenant.ts'
import type { HostedServices } from '../hosted-services.ts'
import { languagesOf } from '../language.ts'
import { showPage } from '../render.ts'

/** Keys of the section `error`. */
export type ErrorKey =
  | 'invalidRequest'
  | 'unknownClient'
  | 'redirectMismatch'
  | 'expired'
  | 'cookies'
  | 'notFound'
  | 'tooMany'
  | 'busy'
  | 'server'
  | 'csrf'
  | 'method'
  | 'flowFinished'
  | 'awaitingApproval'
  | 'userDisabled'
  | 'wrongHost'
  | 'noSignInMethod'
  | 'notSignedInHere'
  | 'expiredHere'
  | 'otherBrowser'
  | 'notStarted'
  | 'accountGone'
  | 'linkWrong'
  | 'linkExpired'
  | 'linkSuperseded'
  | 'linkSignUpGone'
  | 'linkAddressTaken'
  | 'noAccountPage'
  | 'resetLinkClosed'
  | 'signInLinkClosed'
  | 'signInElsewhere'
  | 'notMeClosed'
  | 'providerAnswer'
  | 'triggerDenied'
  | 'triggerFailed'

/** Where the page's button may lead; without any, to the app that the address names. */
interface WaysOn {
  /** The form again. */
  back?: string
  /** The server's own start page. */
  home?: string
  /** The same request anew. */
  restart?: string
  /** The app, when the address does not name it. */
  app?: string
  /** The sign-in page of the same flow. */
  signIn?: string
}

/** A page that says what to do next; it tells nothing that the person does not know. Always answers undefined. */
export function showErrorPage(
  services: HostedServices,
  ctx: Context,
  key: ErrorKey,
  options: { status: number; text?: string } & WaysOn,
): undefined {
  const { tenant, requestId } = ctx.state as { tenant?: Tenant; requestId?: string }
  const locale = services.catalogue.locale(languagesOf(ctx, {}))
  const appClient = clientOf(ctx, tenant)
  const action = actionFor(appClient, options)
  ctx.status = options.status
  showPage(services, { ctx, locale, tenant, appClient, redirectUri: undefined }, 'pages/error', 'error', {
    title: locale.text(`error.${key}.heading`),
    heading: locale.text(`error.${key}.heading`),
    text: options.text ?? locale.text(`error.${key}.text`),
    ...(action === undefined
      ? {}
      : { action: { href: action.href, label: locale.text(`error.actions.${action.label}`) } }),
    ...(requestId === undefined ? {} : { reference: requestId }),
  })
  return undefined
}

/** The client that the address names, if it is one of this pool's. */
function clientOf(ctx: Context, tenant: Tenant | undefined): AppClient | undefined {
  const clientId = ctx.query['client_id']
  return typeof clientId === 'string' ? tenant?.snapshot.appClients.get(clientId) : undefined
}

const labels: readonly (readonly [way: keyof WaysOn, label: string])[] = [
  ['back', 'tryAgain'],
  ['home', 'home'],
  ['restart', 'startAgain'],
  ['signIn', 'signIn'],
  ['app', 'app'],
]

/** Back to the form, or to the app: its origin is one that the operator registered. */
function actionFor(appClient: AppClient | undefined, ways: WaysOn): { href: string; label: string } | undefined {
  for (const [way, label] of labels) {
    const href = ways[way]
    if (href !== undefined) return { href, label }
  }
  const home = appClient && appHome(appClient)
  return home === undefined ? undefined : { href: home, label: 'startOver' }
}
