import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'

/** A static file, ready to be sent. `gzip` and `brotli` are there where they are smaller than `body`. */
export interface Asset {
  /** Path of its URL: `/assets/latchkey.3f6c0a91d2.css`. The content's hash is part of the name. */
  readonly path: string
  readonly contentType: string
  readonly body: Buffer
  readonly gzip?: Buffer
  readonly brotli?: Buffer
  readonly etag: string
  readonly cacheControl: string
}

export interface Assets {
  /** URL path of a file by its logical name (`latchkey.css`). Throws when there is no such file. */
  url(name: string): string
  /** The file behind a request's path, without query; only hashed names are known. */
  find(path: string): Asset | undefined
}

const contentTypes: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml; charset=utf-8',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
}

/** Reads the files of a folder (not its sub-folders) into memory. Throws on a file of a kind it does not know. */
export function loadAssets(assetsFolder: string): Assets {
  const byPath = new Map<string, Asset>()
  const urls = new Map<string, string>()
  for (const entry of readdirSync(assetsFolder, { withFileTypes: true })) {
    if (!entry.isFile() || entry.name.startsWith('.')) continue
    const asset = prepare(entry.name, readFileSync(join(assetsFolder, entry.name)))
    byPath.set(asset.path, asset)
    urls.set(entry.name, asset.path)
  }
  return {
    url(name) {
      const url = urls.get(name)
      if (url === undefined) throw new Error(`There is no asset named ${JSON.stringify(name)}.`)
      return url
    },
    find: (path) => byPath.get(path),
  }
}

function prepare(name: string, body: Buffer): Asset {
  const extension = extname(name)
  const contentType = contentTypes[extension]
  if (contentType === undefined) throw new Error(`The asset ${name} is of no known kind.`)
  const hash = createHash('sha256').update(body).digest('hex').slice(0, 16)
  const gzip = gzipSync(body, { level: 9 })
  const brotli = brotliCompressSync(body, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } })
  return {
    path: `/assets/${name.slice(0, -extension.length)}.${hash}${extension}`,
    contentType,
    body,
    ...(gzip.length < body.length ? { gzip } : {}),
    ...(brotli.length < body.length ? { brotli } : {}),
    etag: `"${hash}"`,
    // RFC 8246: another content has another name, so a cache need never ask again.
    cacheControl: 'public, max-age=31536000, immutable',
  }
}
