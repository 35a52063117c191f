import { nameToSignInWith } from '../../domain/users/sign-in-name.ts'
import type { AccountAction } from '../../platform/views/account-contexts.ts'
import type { MessageValues } from '../../platform/views/messages.ts'
import type { ViewContexts } from '../../platform/views/page-contexts.ts'
import type { Alert } from '../../platform/views/page-parts.ts'
import type { HostedServices } from '../hosted-services.ts'
import { errorAlert, showPage } from '../render.ts'
import type { PageRequest } from '../render.ts'
import { ownerField } from './kept-form.ts'
import { accountForm, accountUrl } from './open-account.ts'
import type { AccountStep, Bystander } from './open-account.ts'

/* How the pages of an account are shown. */

/** @param more what the page's address says beside its client */
export const accountPageRequest = (step: Bystander, more: Readonly<Record<string, string>> = {}): PageRequest => ({
  ctx: step.ctx,
  locale: step.locale,
  tenant: step.tenant,
  appClient: step.appClient,
  redirectUri: undefined,
  pageInLanguage: (lang) => accountUrl(step, step.page, { ...more, lang }),
})

/** What a page of one form has beyond what all of them have. */
type FormContent = Partial<
  Pick<ViewContexts['pages/account-form'], 'fields' | 'currentPassword' | 'newPassword' | 'code' | 'danger' | 'actions'>
> & { alert?: Alert | undefined }

export function showAccountForm(
  services: HostedServices,
  step: AccountStep,
  section: string,
  { fields = [], actions = [], ...content }: FormContent,
  values?: MessageValues,
): void {
  showPage(
    services,
    accountPageRequest(step),
    'pages/account-form',
    section,
    {
      form: accountForm(services, step),
      hidden: ownerField(services.domain, step),
      username: { value: nameToSignInWith(step.userPool, step.user) },
      fields,
      actions,
      links: { back: accountUrl(step, 'home') },
      ...content,
      alert: content.alert ?? accountNotice(step),
    },
    values,
  )
}

type ListContent = Pick<ViewContexts['pages/account-list'], 'items'> &
  Partial<Pick<ViewContexts['pages/account-list'], 'none' | 'actions' | 'buttons' | 'more' | 'passkey'>> & {
    alert?: Alert | undefined
  }

export function showAccountList(
  services: HostedServices,
  step: AccountStep,
  section: string,
  { actions = [], buttons = [], more = [], ...content }: ListContent,
): void {
  showPage(services, accountPageRequest(step), 'pages/account-list', section, {
    form: accountForm(services, step),
    actions,
    buttons,
    more,
    links: { back: accountUrl(step, 'home') },
    ...content,
    alert: content.alert ?? accountNotice(step),
  })
}

export const action = (step: AccountStep, name: string, value: string, key: string): AccountAction => ({
  name,
  value,
  label: step.locale.text(key),
})

export const checkFields = (step: AccountStep): Alert => errorAlert(step.locale.text('outcomes.checkFields'))

/** Over a form that came after its session had ended. */
export const typedBefore = (step: AccountStep): Alert => ({
  kind: 'info',
  text: step.locale.text('outcomes.typedBefore'),
})

/** Notices travel in the address, so only these are shown, whatever it says. */
const notices: Readonly<Record<string, Alert['kind']>> = {
  saved: 'success',
  passwordChanged: 'success',
  addressChanged: 'success',
  changeCancelled: 'info',
  codeResent: 'success',
  passkeyAdded: 'success',
  passkeyRemoved: 'success',
  factorAdded: 'success',
  factorRemoved: 'success',
  factorPreferred: 'success',
  factorNotAvailable: 'error',
  factorRequired: 'error',
  factorTooMany: 'error',
  setUpExpired: 'info',
  deviceForgotten: 'success',
  devicesForgotten: 'success',
  signedOutThere: 'success',
  othersSignedOut: 'success',
  consentWithdrawn: 'success',
  identityLinked: 'success',
  identityUnlinked: 'success',
  identityKnown: 'info',
  identityTaken: 'error',
  identityNotLinked: 'info',
  identityLastWayIn: 'error',
  identityInterrupted: 'info',
}

/** On the page itself, or on the account's first one, where a step ends. */
export function accountNotice({ ctx, locale }: AccountStep): Alert | undefined {
  const name = ctx.query['notice']
  const kind = typeof name === 'string' && Object.hasOwn(notices, name) ? notices[name] : undefined
  return kind === undefined ? undefined : { kind, text: locale.text(`accountNotices.${String(name)}`) }
}

/** The moment in the reader's language, and in a time zone that it names. */
export const momentText = ({ locale }: Pick<AccountStep, 'locale'>, at: Date): string =>
  new Intl.DateTimeFormat(locale.lang, {
    year: 'numeric',
    month: 'long',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    timeZone: 'UTC',
    timeZoneName: 'short',
  }).format(at)
