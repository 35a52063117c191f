import { gzipSync } from 'node:zlib'
import type { LiveValues } from './live-values.ts'
import { fillIn } from './live-values.ts'
import { encodeText } from './encode-text.ts'
import type { Pair } from './hostile-headers.ts'
import type { Body, Encoding, HostileRequest } from './hostile-requests.ts'

/** A request as bytes on the wire. */
export function bytesOf(request: HostileRequest, values: LiveValues, host: string): Buffer {
  const fill = (text: string): string => fillIn(text, values).replaceAll('«host»', host)
  const filled = (pairs: readonly Pair[]): Pair[] => pairs.map(([name, value]) => [fill(name), fill(value)])
  const query = encodePairs(filled(request.query), request.queryAs)
  const target = `${fill(request.path)}${query === '' ? '' : `?${query}`}`
  const body = request.body === undefined ? undefined : encodeBody(request.body.kind, filled(request.body.fields))
  const lines: Pair[] = [['Host', fill(request.host)]]
  if (request.cookies !== '') lines.push(['Cookie', fill(request.cookies)])
  // What a request says itself counts: its own Content-Type stands in place of the body's.
  const said = filled(request.headers)
  const names = new Set(said.map(([name]) => name.toLowerCase()))
  const own = (body?.headers ?? []).filter(([name]) => !names.has(name.toLowerCase()))
  const all = [...lines, ...said, ...own, ['Connection', 'close'] as const]
  const head = [`${request.method} ${target} HTTP/1.1`, ...all.map(([name, value]) => `${name}: ${value}`)].join('\r\n')
  return Buffer.concat([Buffer.from(`${head}\r\n\r\n`, 'utf8'), body?.bytes ?? Buffer.alloc(0)])
}

/** Ones whose sender goes away before the end that they promised. */
export const hangsUp = ({ body, headers }: HostileRequest): boolean =>
  body?.kind === 'truncated' ||
  body?.kind === 'broken chunks' ||
  headers.some(([name]) => /^(content-length|transfer-encoding|expect)$/i.test(name))

const encode: Readonly<Record<Encoding, (text: string) => string>> = {
  percent: encodeText,
  twice: (text) => encodeText(encodeText(text)),
  // As it is, but for what would end the request line.
  bare: (text) => text.replaceAll(/[\s#]/g, '+'),
}

const encodePairs = (pairs: readonly Pair[], as: Encoding): string =>
  pairs.map(([name, value]) => `${encode[as](name)}=${encode[as](value)}`).join('&')

interface Encoded {
  headers: readonly Pair[]
  bytes: Buffer
}

const formType = ['Content-Type', 'application/x-www-form-urlencoded'] as const

const withLength = (bytes: Buffer, ...headers: readonly Pair[]): Encoded => ({
  headers: [...headers, ['Content-Length', String(bytes.length)]],
  bytes,
})

function encodeBody(kind: Body['kind'], fields: readonly Pair[]): Encoded {
  const form = Buffer.from(encodePairs(fields, 'percent'))
  switch (kind) {
    case 'form':
      return withLength(form, formType)
    case 'chunked':
      return { headers: [formType, ['Transfer-Encoding', 'chunked']], bytes: chunked(form) }
    case 'charset':
      return withLength(form, ['Content-Type', 'application/x-www-form-urlencoded; charset=utf-16'])
    case 'json':
      return withLength(Buffer.from(JSON.stringify(Object.fromEntries(fields))), ['Content-Type', 'application/json'])
    case 'multipart':
      return withLength(multipart(fields), ['Content-Type', 'multipart/form-data; boundary=b'])
    case 'garbage':
      return withLength(Buffer.from(form.map((byte) => byte ^ 0xa5)), formType)
    case 'truncated':
      return { headers: [formType, ['Content-Length', String(form.length + 10)]], bytes: form }
    case 'broken chunks':
      return { headers: [formType, ['Transfer-Encoding', 'chunked']], bytes: Buffer.from(`5\r\n${form.toString()}`) }
    case 'gzip':
      return withLength(gzipSync(form), formType, ['Content-Encoding', 'gzip'])
    case 'not gzip':
      return withLength(form, formType, ['Content-Encoding', 'gzip'])
    case 'no type':
      return withLength(form)
    case 'huge':
      return withLength(Buffer.concat([form, Buffer.alloc(200_000, '&a=b')]), formType)
  }
}

const chunked = (bytes: Buffer): Buffer =>
  bytes.length === 0
    ? Buffer.from('0\r\n\r\n')
    : Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n0\r\n\r\n')])

const multipart = (fields: readonly Pair[]): Buffer =>
  Buffer.from(
    `${fields.map(([name, value]) => `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`).join('')}--b--\r\n`,
  )
