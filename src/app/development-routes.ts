import { Router } from '@koa/router'
import type { Context } from 'koa'
import type { HostedServices } from '../hosted/hosted-services.ts'
import { languagesOf } from '../hosted/language.ts'
import { showPage } from '../hosted/render.ts'
import { redirect } from '../hosted/step.ts'
import type { MailboxMessage, MailboxReader } from '../messaging/dev-mailbox-reader.ts'

const shown = 100
const mailboxPath = '/dev/mail'
/** Ids are of our making; the database takes no zero byte, for one. */
const messageId = /^[\w-]{1,64}$/

/**
 * The development mailbox (design §5): a page, or with `Accept: application/json` a list; newest first.
 * @param home where the root leads while developing
 */
export function createDevelopmentRouter(hosted: HostedServices, mailbox: MailboxReader, home = mailboxPath): Router {
  const router = new Router()
  router.get('/', (ctx) => {
    redirect(ctx, home)
  })
  router.get(mailboxPath, async (ctx) => {
    const messages = await mailbox.list(shown)
    if (ctx.accepts('html', 'json') === 'json') {
      ctx.body = messages.map(({ id, to, subject, text, html, createdAt }) => ({
        id,
        to,
        subject,
        text,
        html,
        createdAt,
      }))
      return
    }
    showMailbox(hosted, ctx, messages)
  })
  const find = async (id: string): Promise<MailboxMessage | undefined> =>
    messageId.test(id) ? mailbox.find(id) : undefined
  router.get('/dev/mail/:id', async (ctx) => {
    const message = await find(String(ctx.params['id']))
    if (message !== undefined) showMessage(hosted, ctx, message)
  })
  router.get('/dev/mail/:id/html', async (ctx) => {
    const message = await find(String(ctx.params['id']))
    if (message !== undefined) showHtml(ctx, message)
  })
  return router
}

const pageOf = (hosted: HostedServices, ctx: Context) => ({
  ctx,
  locale: hosted.catalogue.locale(languagesOf(ctx, {})),
  tenant: undefined,
  appClient: undefined,
  redirectUri: undefined,
})

function showMailbox(hosted: HostedServices, ctx: Context, messages: readonly MailboxMessage[]): void {
  const page = pageOf(hosted, ctx)
  showPage(hosted, page, 'pages/mailbox', 'mailbox', {
    messages: messages.map((message) => ({
      id: message.id,
      to: message.to,
      subject: message.subject,
      createdAt: time(message.createdAt, page.locale.lang),
      href: `/dev/mail/${encodeURIComponent(message.id)}`,
      preview: message.text.slice(0, 140),
    })),
  })
}

function showMessage(hosted: HostedServices, ctx: Context, message: MailboxMessage): void {
  const page = pageOf(hosted, ctx)
  const link = /https?:\/\/[^\s()]+/.exec(message.text)?.[0]
  // Digits of a link are no code.
  const code = link === undefined ? /\b\d{6}\b/.exec(message.text)?.[0] : undefined
  showPage(hosted, page, 'pages/mailbox-message', 'mailbox', {
    message: {
      to: message.to,
      subject: message.subject,
      createdAt: time(message.createdAt, page.locale.lang),
      text: message.text,
      ...(code === undefined ? {} : { code }),
      ...(link === undefined ? {} : { link }),
    },
    htmlSrc: message.html === '' ? '' : `/dev/mail/${encodeURIComponent(message.id)}/html`,
    links: { back: '/dev/mail' },
  })
}

/** The mail as it is, in a sandbox: no script, no form, no request to anywhere. */
function showHtml(ctx: Context, message: MailboxMessage): void {
  ctx.set({
    'Content-Security-Policy':
      "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox; frame-ancestors 'self'",
    'X-Frame-Options': 'SAMEORIGIN',
  })
  ctx.type = 'text/html; charset=utf-8'
  ctx.body = message.html
}

const time = (date: Date, lang: string): string =>
  new Intl.DateTimeFormat(lang, { dateStyle: 'medium', timeStyle: 'medium' }).format(date)
