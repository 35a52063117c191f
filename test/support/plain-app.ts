import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** An app on an origin of its own, whose one page does nothing: where a story in a browser ends. */
export interface PlainApp {
  origin: string
  stop(): Promise<void>
}

export const plainAppHeading = 'Back at the app'

const page = `<!doctype html><html lang="en"><title>App</title><link rel="icon" href="data:,"><h1>${plainAppHeading}</h1>`

export async function startPlainApp(): Promise<PlainApp> {
  const app = createServer((_request, response) => response.setHeader('content-type', 'text/html').end(page))
  await new Promise<void>((listening) => app.listen(0, '127.0.0.1', listening))
  return {
    origin: `http://localhost:${(app.address() as AddressInfo).port}`,
    stop: () =>
      new Promise((closed) => {
        app.close(() => closed())
        app.closeAllConnections()
      }),
  }
}
