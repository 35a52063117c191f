import type { Context } from 'koa'
import { csrfToken } from '../security/csrf.ts'
import { formTarget, pageHeaders } from '../security/page-headers.ts'
import type { AppClient } from '../domain/app-clients/app-client.ts'
import { accountUri } from '../domain/app-clients/redirect-uri.ts'
import type { Tenant } from '../domain/user-pools/tenant.ts'
import type { Locale } from '../platform/views/message-catalogue.ts'
import type { ViewContexts } from '../platform/views/page-contexts.ts'
import type { Alert, Form, Page } from '../platform/views/page-parts.ts'
import type { MessageValues } from '../platform/views/messages.ts'
import type { HostedServices } from './hosted-services.ts'
import { languageLinks } from './language.ts'
import { pagePaths } from './paths.ts'
import type { Step } from './step.ts'

type PageView = Extract<keyof ViewContexts, `pages/${string}`>

export interface PageRequest {
  ctx: Context
  locale: Locale
  tenant: Tenant | undefined
  appClient: AppClient | undefined
  /** Where the page's form may lead in the end, beside ourselves. */
  redirectUri: string | undefined
  /** The form posts there itself, and never to us. */
  onlyTarget?: boolean
  /** A picture from somewhere else, beside the logo. */
  imageUrl?: string
  /** Address of this page in another language; absent: the page has no language menu. */
  pageInLanguage?: (lang: string) => string
}

/** Renders a page and sets the headers that every page needs. `content` is what the page has beyond the common members. */
export function showPage<View extends PageView>(
  services: HostedServices,
  request: PageRequest,
  view: View,
  section: string,
  content: Omit<ViewContexts[View], keyof Page> & { alert?: Alert | undefined; title?: string },
  values?: MessageValues,
): void {
  const { ctx, locale, tenant } = request
  const nonce = services.domain.random.handle()
  const t = locale.section(section, values)
  const { alert, title, ...rest } = content
  const page: Page = {
    lang: locale.lang,
    dir: locale.dir,
    cspNonce: nonce,
    assets: services.assets,
    brand: brandOf(request, locale),
    title: title ?? t['title'] ?? '',
    t,
    common: locale.section('common'),
    ...(alert === undefined ? {} : { alert }),
    ...(request.pageInLanguage === undefined
      ? {}
      : { languages: languageLinks(services.catalogue, locale, request.pageInLanguage) }),
  }
  const target = request.redirectUri === undefined ? undefined : formTarget(request.redirectUri)
  const images = [page.brand.logoUrl, request.imageUrl].flatMap((url) =>
    url?.startsWith('https:') === true ? present(formTarget(url)) : [],
  )
  const secure = tenant?.secure ?? false
  const { onlyTarget = false } = request
  const mayHaveOpener = request.redirectUri !== undefined && request.redirectUri !== accountUri
  ctx.set(pageHeaders({ nonce, secure, formTargets: present(target), onlyTarget, imageSources: images, mayHaveOpener }))
  ctx.set('Content-Language', locale.lang)
  ctx.vary('Accept-Language')
  ctx.type = 'text/html; charset=utf-8'
  ctx.body = services.views.render(view, { ...page, ...rest } as unknown as ViewContexts[View])
}

const present = (source: string | undefined): readonly string[] => (source === undefined ? [] : [source])

/** The app client's own look, else the pool's, else the product's. */
function brandOf({ tenant, appClient }: PageRequest, locale: Locale): Page['brand'] {
  const pool = tenant?.snapshot.userPool.branding
  const logoUrl = appClient?.branding.logoUrl ?? pool?.logoUrl
  return {
    name: appClient?.branding.name ?? pool?.name ?? locale.text('common.product'),
    ...(logoUrl === undefined ? {} : { logoUrl }),
  }
}

export const pageRequest = (step: Step): PageRequest => ({
  ctx: step.ctx,
  locale: step.locale,
  tenant: step.tenant,
  appClient: step.appClient,
  redirectUri: step.flow.state.request['redirect_uri'],
  pageInLanguage: (lang) => {
    const query = new URLSearchParams({ client_id: step.appClient.id, flow: step.flowId, lang })
    return `${step.tenant.basePath}${step.ctx.path}?${query.toString()}`
  },
})

/** The hidden part of a form, and where it posts to. */
export const formOf = (services: HostedServices, step: Step, path: keyof typeof pagePaths): Form => ({
  // The client is named in the address as well, so that an error page knows the way back to the app without the flow; and
  // the flow, for clients that post the fields of Cognito's form and no others.
  action: `${step.tenant.basePath}${pagePaths[path]}?${new URLSearchParams({ client_id: step.appClient.id, flow: step.flowId }).toString()}`,
  csrf: csrfToken(services.domain.sealedBox, step.browser, step.flowId),
  flow: step.flowId,
})

export const errorAlert = (text: string): Alert => ({ kind: 'error', text })

/**
 * Notices travel in the address, so only these are shown, whatever it says.
 * `tells`: what the text names beside, which pages that have sent nothing do not know.
 */
const notices: Readonly<Record<string, { key: string; kind: Alert['kind']; tells?: 'destination' }>> = {
  codeResent: { key: 'outcomes.codeResent', kind: 'success', tells: 'destination' },
  linkResent: { key: 'outcomes.linkResent', kind: 'success', tells: 'destination' },
  userNotConfirmedLink: { key: 'outcomes.userNotConfirmedLink', kind: 'info' },
  confirmed: { key: 'outcomes.confirmed', kind: 'success' },
  userNotConfirmed: { key: 'outcomes.userNotConfirmed', kind: 'info' },
  alreadyConfirmed: { key: 'outcomes.alreadyConfirmed', kind: 'info' },
  signUpNotAllowed: { key: 'outcomes.signUpNotAllowed', kind: 'info' },
  accountChanged: { key: 'outcomes.accountChanged', kind: 'info' },
  signInToGoOn: { key: 'outcomes.signInToGoOn', kind: 'info' },
  signUpReplaced: { key: 'outcomes.signUpReplaced', kind: 'error' },
  otherFactorNeeded: { key: 'outcomes.otherFactorNeeded', kind: 'info' },
  passwordResetRequired: { key: 'outcomes.passwordResetRequired', kind: 'info' },
}

export function noticeOf(step: Step, values?: MessageValues): Alert | undefined {
  const name = step.ctx.query['notice']
  const notice = typeof name === 'string' && Object.hasOwn(notices, name) ? notices[name] : undefined
  if (notice === undefined || (notice.tells !== undefined && values?.[notice.tells] === undefined)) return undefined
  return { kind: notice.kind, text: step.locale.text(notice.key, values) }
}
