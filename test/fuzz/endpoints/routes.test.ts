import type { Router } from '@koa/router'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createDevelopmentRouter } from '../../../src/app/development-routes.ts'
import { createTenantRouter } from '../../../src/app/tenant-router.ts'
import { createDemo } from '../../../src/demo/demo.ts'
import { developmentRoutes, preparedRoutes, tenantRoutes } from './routes.ts'
import type { Route } from './routes.ts'

/* The table of routes that are fuzzed is the list of routes that there are. */

const unused = {} as never

/** HEAD comes with every GET. */
const routesOf = (...routers: readonly Router[]): string[] =>
  routers
    .flatMap(({ stack }) => stack)
    .flatMap(({ methods, path }) => methods.filter((method) => method !== 'HEAD').map((method) => `${method} ${path}`))
    .sort()

const named = (routes: readonly Route[]): string[] => routes.map(({ method, path }) => `${method} ${path}`).sort()

test('every route of a user pool is fuzzed', () => {
  expect(routesOf(createTenantRouter(unused, unused, unused))).toEqual(named(tenantRoutes))
})

test('every route that is there while developing is fuzzed', () => {
  const demo = createDemo({ ...(unused as object), origin: 'http://localhost', clientId: 'demo' } as never)
  // The root leads to the mailbox or the demo; a user pool has a route for it as well.
  const routes = routesOf(createDevelopmentRouter(unused, unused), demo.router).filter((route) => route !== 'GET /')
  expect(routes).toEqual(named(developmentRoutes))
})

test('every path that is answered before the framework is fuzzed', () => {
  const folder = join(import.meta.dirname, '..', '..', '..', 'src', 'app')
  const source = ['http-server.ts', 'prepared-answers.ts']
    .map((name) => readFileSync(join(folder, name), 'utf8'))
    .join()
  const compared = [...source.matchAll(/'(\/[^' ]+)'/g)].map(([, path]) => path)
  const matched = [...source.matchAll(/\/\^[^\n]*?\$\//g)].map(([pattern]) => pattern)
  // Whoever adds a path here adds it to the table as well.
  expect(new Set(compared)).toEqual(new Set(['/assets/', '/healthz', '/readyz']))
  expect(matched).toEqual([
    String.raw`/^(.*)\/\.well-known\/(openid-configuration|jwks\.json)$/`,
    String.raw`/^\/\.well-known\/oauth-authorization-server(\/.*)?$/`,
  ])
  expect(preparedRoutes).toHaveLength(compared.length + 3)
})
