import type { IncomingMessage } from 'node:http'

export type FormProblem = 'type' | 'size' | 'fields' | 'repeated'

/** The longest form of ours has a dozen; each costs more to be looked at than its bytes to be read. */
const maximumFields = 100

/**
 * A urlencoded form as a map. A field sent twice is refused: two readers could see two values (threat row C2).
 * @param maximumBytes of the body; what is longer is not read to its end
 */
export async function readForm(
  request: IncomingMessage,
  maximumBytes: number,
): Promise<{ ok: true; form: ReadonlyMap<string, string> } | { ok: false; problem: FormProblem }> {
  const body = await readPairs(request, maximumBytes)
  if (!body.ok) return body
  const form = new Map(body.pairs)
  return form.size < body.pairs.size ? { ok: false, problem: 'repeated' } : { ok: true, form }
}

/** The same with its fields as they were sent, for whoever tells of a repeated one in words of its own. */
export async function readPairs(
  request: IncomingMessage,
  maximumBytes: number,
): Promise<{ ok: true; pairs: URLSearchParams } | { ok: false; problem: Exclude<FormProblem, 'repeated'> }> {
  const contentType = request.headers['content-type']?.split(';')[0]?.trim().toLowerCase()
  if (contentType !== 'application/x-www-form-urlencoded') return { ok: false, problem: 'type' }
  // Nothing is unpacked here: a compressed form would be read as an empty one, and might be a bomb elsewhere.
  if ((request.headers['content-encoding'] ?? 'identity') !== 'identity') return { ok: false, problem: 'type' }
  const chunks: Buffer[] = []
  let bytes = 0
  // The stream stays open when reading stops early, so that the refusal can still be sent.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > maximumBytes) return { ok: false, problem: 'size' }
    chunks.push(chunk)
  }
  // WHATWG URL §5.1: UTF-8, whatever charset the type names.
  const pairs = new URLSearchParams(Buffer.concat(chunks).toString('utf8'))
  return pairs.size > maximumFields ? { ok: false, problem: 'fields' } : { ok: true, pairs }
}
