import type { CustomFetch } from 'openid-client'
import { guardedRequest } from '../platform/http/guarded-request.ts'

/** As long as nothing else ends it. */
const maximumMs = 10_000

/** What openid-client asks with: it reaches no private address, follows no redirect, and reads no endless answer (threat row C13). */
export const guardedFetch =
  (allowPrivateAddresses: boolean): CustomFetch =>
  async (url, { method, headers, body, signal }) => {
    if (method !== 'GET' && method !== 'POST') throw new TypeError(`${method} is not asked`)
    const answer = await guardedRequest(
      {
        method,
        url,
        headers: { ...headers, 'user-agent': 'Latchkey' },
        ...(body === undefined || body === null ? {} : { body: textOf(body) }),
      },
      { allowPrivateAddresses, signal: signal ?? AbortSignal.timeout(maximumMs) },
    )
    const { 'content-type': type } = answer.headers
    return new Response([204, 304].includes(answer.status) ? null : answer.body, {
      status: answer.status,
      headers: type === undefined ? {} : { 'content-type': type },
    })
  }

function textOf(body: unknown): string {
  if (typeof body === 'string') return body
  if (body instanceof URLSearchParams) return body.toString()
  throw new TypeError('this kind of body is not sent')
}
