import type { Context } from 'koa'
import { cookieName } from '../security/cookies.ts'
import { tenantOf } from './step.ts'

/**
 * Forms that one browser sends are answered one after the other: the second press of a button finds what the first has
 * done. Only a comfort: what must happen once is decided by the database, also between servers.
 */
export function oneFormAtATime() {
  const underWay = new Map<string, Promise<unknown>>()
  return async (ctx: Context, next: () => Promise<void>): Promise<void> => {
    const { snapshot, secure } = tenantOf(ctx)
    const browser = ctx.cookies.get(cookieName('browser', snapshot.userPool.id, secure), { signed: false })
    if (ctx.method !== 'POST' || browser === undefined) return next()
    const before = underWay.get(browser)
    const turn = before === undefined ? next() : before.then(next)
    const done = turn.catch(() => undefined)
    underWay.set(browser, done)
    try {
      await turn
    } finally {
      if (underWay.get(browser) === done) underWay.delete(browser)
    }
  }
}
