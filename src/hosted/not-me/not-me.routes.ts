import type { Router } from '@koa/router'
import type { Context } from 'koa'
import { appHome } from '../../domain/app-clients/app-home.ts'
import { readNotMeLink, sayNotMe } from '../../domain/notices/not-me.ts'
import type { FollowedNotMeLink } from '../../domain/notices/not-me.ts'
import { tenantUrl } from '../../domain/user-pools/tenant.ts'
import { nameToSignInWith } from '../../domain/users/sign-in-name.ts'
import type { Alert } from '../../platform/views/page-parts.ts'
import { csrfToken } from '../../security/csrf.ts'
import { limitAlert } from '../attempts-exceeded.ts'
import { showErrorPage } from '../error/error.page.ts'
import type { HostedServices } from '../hosted-services.ts'
import { languagesOf } from '../language.ts'
import { linkPageRequest, onlyOne, openLinkForm, visitByLink } from '../link-visit.ts'
import type { LinkVisit } from '../link-visit.ts'
import { goOnIfAnswered } from '../one-form-at-a-time.ts'
import { pagePaths } from '../paths.ts'
import { showPage } from '../render.ts'
import { redirect } from '../step.ts'

interface NotMeStep extends LinkVisit, FollowedNotMeLink {}

/** Where "this wasn't me" of a notice leads. Opening it changes nothing, since scanners of mail do that (threat row E10). */
export function notMeRoutes(router: Router, services: HostedServices): void {
  router.get(pagePaths.notMe, async (ctx) => {
    const step = openLink(services, ctx, new URLSearchParams(ctx.querystring))
    if (step === undefined) return
    if (ctx.query['done'] === '1' || ctx.query['done'] === '2') return showDone(services, step)
    await show(services, step)
  })
  router.post(pagePaths.notMe, async (ctx) => {
    const step = await openLinkForm(services, ctx, {
      open: (parameters) => openLink(services, ctx, parameters),
      csrfSubject,
      address,
    })
    if (step !== undefined && !goOnIfAnswered(ctx, step.form)) await say(services, step)
  })
}

function openLink(services: HostedServices, ctx: Context, parameters: URLSearchParams): NotMeStep | undefined {
  const clientId = onlyOne(parameters, 'client_id')
  const visit = visitByLink(services, ctx, clientId, 'notMeClosed')
  return visit && { ...visit, clientId, token: onlyOne(parameters, 'token') }
}

const csrfSubject = ({ clientId, token }: NotMeStep): string => JSON.stringify(['notMe', clientId, token])

const pageAt = ({ tenant, clientId }: NotMeStep, more: Record<string, string>): string =>
  `${tenant.basePath}${pagePaths.notMe}?${new URLSearchParams({ client_id: clientId, ...more }).toString()}`

const address = (step: NotMeStep, more: Record<string, string> = {}): string =>
  pageAt(step, { token: step.token, ...more })

async function show(services: HostedServices, step: NotMeStep, alert?: Alert): Promise<void> {
  const followed = await readNotMeLink(step.domain, step)
  if (followed === undefined) return showErrorPage(services, step.ctx, 'notMeClosed', { status: 400 })
  const request = linkPageRequest(step, (lang) => address(step, { lang }))
  showPage(services, request, 'pages/not-me', 'notMe', {
    form: {
      action: pageAt(step, {}),
      csrf: csrfToken(services.domain.sealedBox, step.browser, csrfSubject(step)),
    },
    hidden: [
      { name: 'client_id', value: step.clientId },
      { name: 'token', value: step.token },
    ],
    name: nameToSignInWith(step.userPool, followed.user),
    alert,
  })
}

async function say(services: HostedServices, step: NotMeStep): Promise<void> {
  const origin = { resetLinkUrl: tenantUrl(step.tenant, pagePaths.resetLink), clientId: step.clientId }
  const languages = languagesOf(step.ctx, {})
  const outcome = await sayNotMe(step.domain, { ...step, languages, origin })
  if (outcome.kind === 'done') return redirect(step.ctx, pageAt(step, { done: outcome.mailed ? '1' : '2' }))
  if (outcome.reason === 'limitExceeded') return show(services, step, limitAlert(step, outcome))
  showErrorPage(services, step.ctx, 'notMeClosed', { status: 400 })
}

function showDone(services: HostedServices, step: NotMeStep): void {
  const home = appHome(step.appClient)
  const mailed = step.ctx.query['done'] !== '2'
  const request = linkPageRequest(step, (lang) => pageAt(step, { done: mailed ? '1' : '2', lang }))
  showPage(services, request, 'pages/confirmed-user', mailed ? 'notMeDone' : 'notMeDoneProvider', {
    links: home === undefined ? {} : { login: home },
  })
}
