import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'

/** A single-page app on an origin of its own: static pages that load oidc-client-ts as a browser does. */
export interface SinglePageApp {
  /** By name: the same site as a server on localhost, another origin. */
  origin: string
  /** The same pages by address: to a browser another site. */
  otherSite: string
  stop(): Promise<void>
}

const blank = '<!doctype html><meta charset="utf-8"><title>App</title><script src="/oidc-client-ts.js"></script>'

/** In the hidden frame: hands the answer to the page around it. */
const silent = `${blank}<script>new oidc.UserManager({authority:'x',client_id:'x',redirect_uri:'x'}).signinSilentCallback()</script>`
const signedOut = `${blank}<script>if (window.parent !== window) new oidc.UserManager({authority:'x',client_id:'x',redirect_uri:'x'}).signoutSilentCallback()</script>`

export async function startSinglePageApp(): Promise<SinglePageApp> {
  // The bundle for browsers, which stands beside the one for Node.
  const entry = createRequire(import.meta.url).resolve('oidc-client-ts')
  const library = await readFile(join(dirname(entry), '..', 'browser', 'oidc-client-ts.min.js'))
  const server = createServer((request, response) => {
    const path = (request.url ?? '/').split('?', 1)[0]
    if (path === '/oidc-client-ts.js') {
      response.writeHead(200, { 'Content-Type': 'text/javascript' }).end(library)
      return
    }
    const page = path === '/silent' ? silent : path === '/signed-out' ? signedOut : blank
    response.writeHead(200, { 'Content-Type': 'text/html' }).end(page)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    origin: `http://localhost:${port}`,
    otherSite: `http://127.0.0.1:${port}`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
