import { pathToFileURL } from 'node:url'
import { parentPort, workerData } from 'node:worker_threads'

/* Runs in a worker thread: a module that exports `handler(event, context)`, as a Lambda function does. */

interface Asked {
  id: string
  event: object
  name: string
  /** Milliseconds that are left. */
  remaining: number
}

type Handler = (event: unknown, context: object, callback: (error: unknown, event?: unknown) => void) => unknown

const { path } = workerData as { path: string }

/** ES modules export it, CommonJS ones may have it in their default export. */
async function loadHandler(): Promise<Handler> {
  const loaded = (await import(pathToFileURL(path).href)) as { handler?: unknown; default?: { handler?: unknown } }
  const handler = loaded.handler ?? loaded.default?.handler
  if (typeof handler !== 'function') throw new Error(`${path} exports no function handler`)
  return handler as Handler
}

const loading = loadHandler()
// Told with the first question.
loading.catch(() => undefined)

/** In each of the three ways that Lambda has known: a promise, a callback, or the context's own. */
async function call({ id, event, name, remaining }: Asked): Promise<unknown> {
  const began = performance.now()
  const handler = await loading.catch((error: unknown) => {
    throw new LoadError(messageOf(error))
  })
  return new Promise((resolve, reject) => {
    const done = (error: unknown, result?: unknown): void =>
      error === null || error === undefined ? resolve(result) : reject(asError(error))
    const context = {
      awsRequestId: id,
      functionName: name,
      functionVersion: '$LATEST',
      invokedFunctionArn: `arn:aws:lambda:local:000000000000:function:${name}`,
      memoryLimitInMB: '128',
      callbackWaitsForEmptyEventLoop: true,
      getRemainingTimeInMillis: () => Math.max(0, began + remaining - performance.now()),
      done,
      succeed: (result: unknown) => done(null, result),
      fail: (error: unknown) => done(error ?? 'failed'),
    }
    try {
      const returned = handler(event, context, done)
      if (returned instanceof Promise) returned.then(resolve, reject)
    } catch (error) {
      reject(asError(error))
    }
  })
}

class LoadError extends Error {}

/** Handlers give texts as well. */
const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)))

/** Of what JSON has no word for, nothing. */
const textOf = (result: unknown): string => (result === undefined ? 'null' : JSON.stringify(result))

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** Only what JSON can say, as it would arrive from anywhere else. */
parentPort?.on('message', (asked: Asked) => {
  call(asked).then(
    (result) => parentPort?.postMessage({ kind: 'answered', body: textOf(result) }),
    (error: unknown) =>
      parentPort?.postMessage({ kind: error instanceof LoadError ? 'broken' : 'threw', message: messageOf(error) }),
  )
})
