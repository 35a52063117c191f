import type { Context, Next } from 'koa'
import { bindCaller } from '../platform/http/caller.ts'
import type { Caller } from '../platform/http/caller.ts'
import type { Log } from '../platform/log.ts'
import { createAddressReader, createProxyCheck } from '../security/client-address.ts'

const maximumUserAgentLength = 300

/** Finds out who asks, once for all that comes behind. */
export function requestCaller(trustedProxies: readonly string[], log: Log) {
  const isTrusted = createProxyCheck(trustedProxies)
  let warned = false
  const readAddress = createAddressReader(trustedProxies)
  return async (ctx: Context, next: Next): Promise<void> => {
    const { remoteAddress: peer } = ctx.req.socket
    const forwardedFor = ctx.get('X-Forwarded-For') || undefined
    const address = readAddress(peer, forwardedFor)
    // Behind a proxy that is not named all visitors are one, and share one limit. Anybody can send the header: once will do.
    if (!warned && forwardedFor !== undefined && !isTrusted(peer)) {
      warned = true
      log.warn({ peer }, notTrusted)
    }
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

const notTrusted =
  'X-Forwarded-For is not believed, since it came from an address that is not in TRUSTED_PROXIES: ' +
  'if that is your proxy, name it there, or all visitors count as one'

/** Headers reach us as Latin-1; what a terminal could take for a command goes. */
const printable = (text: string): string =>
  text
    .replaceAll(/[^\x20-\x7e\xa0-\xff]/g, '')
    .slice(0, maximumUserAgentLength)
    .trim()
