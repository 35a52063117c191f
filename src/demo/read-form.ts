import type { IncomingMessage } from 'node:http'

// The demo's forms carry one CSRF token.
const maxBytes = 4096

/** The fields of a urlencoded form; `undefined` for a body of another kind or above 4 KiB. */
export async function readForm(request: IncomingMessage): Promise<URLSearchParams | undefined> {
  const contentType = request.headers['content-type']?.split(';')[0]?.trim().toLowerCase()
  if (contentType !== 'application/x-www-form-urlencoded') return undefined
  const chunks: Buffer[] = []
  let bytes = 0
  // The stream stays open when reading stops early, so that the refusal can still be sent.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > maxBytes) return undefined
    chunks.push(chunk)
  }
  return new URLSearchParams(Buffer.concat(chunks).toString('utf8'))
}
