import { createHash } from 'node:crypto'

const timeoutMs = 2_000
/** What an answer may be: some hundred suffixes, and as many made-up ones. */
const maximumBytes = 512 * 1024

/**
 * The range service that password managers ask (k-anonymity): five digits of the password's SHA-1 go out, and what comes
 * back is every hash that begins with them. Padding hides even how many there are.
 * @param url to which the five digits are appended, such as `https://api.pwnedpasswords.com/range/`
 * @throws when the service does not answer as it should
 */
export function createRangeService(
  url: string,
  get: typeof fetch = fetch,
): { has(password: string): Promise<boolean> } {
  return {
    async has(password) {
      const hash = createHash('sha1').update(password, 'utf8').digest('hex').toUpperCase()
      const response = await get(`${url}${hash.slice(0, 5)}`, {
        headers: { 'Add-Padding': 'true', 'User-Agent': 'Latchkey' },
        redirect: 'error',
        signal: AbortSignal.timeout(timeoutMs),
      })
      if (response.status !== 200) throw new Error(`it answered ${response.status}`)
      const text = await textOf(response)
      // A padded line has the count 0, and stands for nothing.
      return text.split('\n').some((line) => {
        const [suffix = '', count = ''] = line.trim().split(':')
        return suffix.toUpperCase() === hash.slice(5) && Number(count) > 0
      })
    },
  }
}

async function textOf(response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.length
    if (bytes > maximumBytes) throw new Error('its answer does not come to an end')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('latin1')
}
