import type { Context } from 'koa'
import { sha256 } from '../security/digest.ts'
import { cookieName } from '../security/cookies.ts'
import { redirect, tenantOf } from './step.ts'

/** For as long as an answer may be on its way to somebody who presses the button once more. */
const rememberedMs = 10_000
/** The same, once the browser has asked for the page that it was sent to. */
const pageMs = 1_000
/** Of some kilobytes each; beyond, the oldest one is forgotten sooner. */
const maximumRemembered = 1_000

/** The form that a browser has sent last, where it led and what it left there. */
interface AnsweredForm {
  digest: string
  location: string
  cookies: readonly string[]
  /** By `performance.now()`. */
  until: number
}

interface FormTurn {
  before?: AnsweredForm | undefined
  /** Of a form that is taken. */
  digest?: string
}

/**
 * Forms that one browser sends are answered one after the other: the second press of a button finds what the first has
 * done. Only a comfort: what must happen once is decided by the database, also between servers.
 */
export function oneFormAtATime() {
  const underWay = new Map<string, Promise<unknown>>()
  const answered = new Map<string, AnsweredForm>()
  const answer = async (ctx: Context, browser: string, next: () => Promise<void>): Promise<void> => {
    const turn: FormTurn = { before: answered.get(browser) }
    ctx.state['formTurn'] = turn
    await next()
    if (turn.digest === undefined) return
    answered.delete(browser)
    const now = performance.now()
    for (const [other, { until }] of answered) {
      if (until > now && answered.size < maximumRemembered) break
      answered.delete(other)
    }
    if (ctx.status !== 303) return
    const location = ctx.response.get('Location')
    answered.set(browser, { digest: turn.digest, location, cookies: cookiesOf(ctx), until: now + rememberedMs })
  }
  return async (ctx: Context, next: () => Promise<void>): Promise<void> => {
    const { snapshot, secure } = tenantOf(ctx)
    const handle = ctx.cookies.get(cookieName('browser', snapshot.userPool.id, secure), { signed: false })
    if (handle === undefined) return next()
    // Whatever somebody sends as a cookie, no more is kept of it than this.
    const browser = sha256(handle)
    if (ctx.method !== 'POST') {
      const last = answered.get(browser)
      // The page that the form led to may still be on its way. With any other, whoever sends the same form means it.
      if (last?.location === ctx.originalUrl) last.until = Math.min(last.until, performance.now() + pageMs)
      else answered.delete(browser)
      return next()
    }
    const before = underWay.get(browser)
    const turn = (before ?? Promise.resolve()).then(() => answer(ctx, browser, next))
    const done = turn.catch(() => undefined)
    underWay.set(browser, done)
    try {
      await turn
    } finally {
      if (underWay.get(browser) === done) underWay.delete(browser)
    }
  }
}

/**
 * The very form that this browser has sent last, a moment ago, is not taken again: it leads where it led then. For forms that
 * would be refused the second time, though the first has done what was asked.
 * @returns whether the answer has been given
 */
export function goOnIfAnswered(ctx: Context, form: ReadonlyMap<string, string>): boolean {
  const turn = ctx.state['formTurn'] as FormTurn | undefined
  if (turn === undefined) return false
  const digest = sha256(JSON.stringify([ctx.url, ...form]))
  const { before } = turn
  if (before?.digest !== digest || before.until <= performance.now()) {
    turn.digest = digest
    return false
  }
  redirect(ctx, before.location)
  for (const cookie of before.cookies) ctx.append('Set-Cookie', cookie)
  return true
}

const cookiesOf = ({ res }: Context): readonly string[] => [res.getHeader('Set-Cookie') ?? []].flat().map(String)
