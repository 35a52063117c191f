import type { Context, Next } from 'koa'
import { bindCaller } from '../platform/http/caller.ts'
import type { Caller } from '../platform/http/caller.ts'
import { createAddressReader } from '../security/client-address.ts'

const maximumUserAgentLength = 300

/** Finds out who asks, once for all that comes behind. */
export function requestCaller(trustedProxies: readonly string[]) {
  const readAddress = createAddressReader(trustedProxies)
  return async (ctx: Context, next: Next): Promise<void> => {
    const address = readAddress(ctx.req.socket.remoteAddress, ctx.get('X-Forwarded-For') || undefined)
    const userAgent = printable(ctx.get('User-Agent'))
    const { requestId } = ctx.state as { requestId?: string }
    const caller: Caller = {
      ...(address === undefined ? {} : { address }),
      ...(userAgent === '' ? {} : { userAgent }),
      ...(requestId === undefined ? {} : { requestId }),
    }
    bindCaller(ctx.req, caller)
    await next()
  }
}

/** Headers reach us as Latin-1; what a terminal could take for a command goes. */
const printable = (text: string): string =>
  text
    .replaceAll(/[^\x20-\x7e\xa0-\xff]/g, '')
    .slice(0, maximumUserAgentLength)
    .trim()
