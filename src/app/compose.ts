import { join } from 'node:path'
import type { Context } from 'koa'
import type { UserPoolConfiguration } from '../domain/user-pools/configuration.ts'
import type { Flow } from '../domain/sessions/flow.ts'
import { applyConfiguration } from '../domain/user-pools/apply-configuration.ts'
import type { HostedServices } from '../hosted/hosted-services.ts'
import { finishFlow, finishFlowSignedIn, refuseFlow, resumeFlow } from '../oidc/finish-flow.ts'
import { createProviderRegistry } from '../oidc/provider-registry.ts'
import type { ProviderRegistry } from '../oidc/provider-registry.ts'
import { migrationState } from '../persistence/migrate.ts'
import { withStartLock } from '../persistence/start-lock.ts'
import type { Clock } from '../platform/clock.ts'
import { ConfigError } from '../platform/config/config-error.ts'
import { askedBy } from '../platform/http/caller.ts'
import type { Environment } from '../platform/config/environment.ts'
import type { Log } from '../platform/log.ts'
import { loadAssets } from '../platform/views/assets.ts'
import type { Assets } from '../platform/views/assets.ts'
import { loadMessageCatalogue } from '../platform/views/message-catalogue.ts'
import { createViewEngine } from '../platform/views/view-engine.ts'
import { startAdminChannel } from './administration/admin-channel.ts'
import type { ConfigurationFile } from './configuration-file.ts'
import { defaultConfiguration } from './default-configuration.ts'
import { createDevelopmentParts } from './development.ts'
import { engineCallbacks } from './engine-callbacks.ts'
import { listen } from './http-server.ts'
import type { HttpServer } from './http-server.ts'
import { startMessaging } from './messaging.ts'
import { startMaintenance } from './maintenance.ts'
import { openServices } from './open-services.ts'
import type { OpenServices } from './open-services.ts'
import { createPreparedAnswers } from './prepared-answers.ts'
import { viewsFolder } from './views-folder.ts'
import { createApplication } from './server-application.ts'

export interface ServeOptions {
  environment: Environment
  configuration: ConfigurationFile | undefined
  log: Log
  clock?: Clock
  /** For tests: see `openServices`. */
  loadDataDir?: Blob
}

export interface RunningServer {
  publicUrl: string
  port: number
  services: OpenServices
  /** `/demo` is there to sign in with. */
  demoUrl: string | undefined
  /** Where mail is shown when no mail server is set up. */
  mailboxUrl: string | undefined
  stop(): Promise<void>
}

/**
 * The only place that picks implementations: opens the database, applies the configuration, and serves.
 * @throws ConfigError, DatabaseInUseError, NewerDatabaseError
 */
export async function serve(options: ServeOptions): Promise<RunningServer> {
  const { environment, log } = options
  let services: OpenServices | undefined
  const http = await listen({
    host: environment.host,
    port: environment.port,
    log,
    secure: environment.publicUrl?.startsWith('https:') === true,
    isReady: () => isReady(services),
  })
  try {
    services = await openServices(options)
    return await serveOn(options, http, services)
  } catch (error) {
    await http.stop(0)
    await services?.close()
    throw error
  }
}

async function isReady(services: OpenServices | undefined): Promise<boolean> {
  if (services === undefined) return false
  const { pending, unknown } = await migrationState(services.database)
  return pending.length === 0 && unknown.length === 0
}

async function serveOn(options: ServeOptions, http: HttpServer, services: OpenServices): Promise<RunningServer> {
  const { environment, configuration, log } = options
  if (!environment.rateLimits) log.warn('LATCHKEY_RATE_LIMITS is off: anybody may try and ask as often as they like')
  const publicUrl = environment.publicUrl ?? `http://localhost:${http.port}`
  await configure(services, configuration?.userPools ?? builtIn(environment, publicUrl), environment, publicUrl, log)
  const views = createViewEngine(viewsFolder)
  const catalogue = loadMessageCatalogue(join(viewsFolder, 'messages'))
  const assets = loadAssets(join(viewsFolder, 'assets'))
  const { domain, directory } = services
  const registry: ProviderRegistry = createProviderRegistry(
    domain,
    engineCallbacks(domain, () => hosted),
    log,
  )
  const inFlow = (ctx: Context, { clientId }: Flow) => askedBy(domain, ctx.req, { clientId })
  const hosted: HostedServices = {
    domain,
    views,
    catalogue,
    assets: assetUrls(assets),
    finishFlow: (tenant, ctx, flow, ...rest) => finishFlow(inFlow(ctx, flow), registry, tenant, ctx, flow, ...rest),
    finishFlowSignedIn: (...flow) => finishFlowSignedIn(domain, registry, ...flow),
    refuseFlow: (tenant, ctx, flow, error) => refuseFlow(inFlow(ctx, flow), registry, tenant, flow, error),
    resumeFlow: (tenant, ctx, flow) => resumeFlow(inFlow(ctx, flow), registry, tenant, ctx, flow),
  }
  const messaging = await startMessaging({ environment, services, views, catalogue, publicUrl, log })
  if (services.database.kind === 'embedded') await domain.store.eventDeliveries.releaseAll()
  const maintenance = startMaintenance(services, log)
  const development = await createDevelopmentParts(environment, services, hosted, publicUrl, log)
  const application = createApplication({
    domain,
    directory,
    registry,
    hosted,
    developmentRouters: development.routers,
    publicUrl,
    development: environment.development,
    trustedProxies: environment.trustedProxies,
    log,
  })
  const prepared = createPreparedAnswers(assets, directory, publicUrl, domain.clock)
  const callback = application.callback()
  http.ready(async (request, response, path) => {
    if (!(await prepared.answer(request, response, path))) await callback(request, response)
  })
  const adminChannel = await startAdminChannel({ services, publicUrl, region: environment.region, log })
  return {
    publicUrl,
    port: http.port,
    services,
    demoUrl: development.demoUrl,
    mailboxUrl: development.mailboxUrl,
    async stop() {
      await Promise.all([http.stop(10_000), adminChannel.stop()])
      await Promise.all([messaging.stop(), maintenance.stop()])
      await services.close()
    },
  }
}

/** Nothing configured, and somebody is trying it out. */
const builtIn = (environment: Environment, publicUrl: string): readonly UserPoolConfiguration[] =>
  environment.development ? [defaultConfiguration(publicUrl)] : []

async function configure(
  services: OpenServices,
  userPools: readonly UserPoolConfiguration[],
  environment: Environment,
  publicUrl: string,
  log: Log,
): Promise<void> {
  const options = { publicUrl, region: environment.region, dryRun: false }
  const result = await withStartLock(services.database, () => applyConfiguration(services.domain, userPools, options))
  if (result.problems.length > 0) throw new ConfigError(result.problems)
  for (const warning of result.warnings) log.warn(warning)
  for (const change of result.changes) log.info(`configuration: ${change.action} ${change.what}`)
  await services.directory.refresh()
  if (services.directory.all().length === 0) log.warn('no user pool yet: name one in latchkey.yaml (see README.md)')
}

const assetUrls = (assets: Assets): HostedServices['assets'] => ({
  css: assets.url('latchkey.css'),
  js: assets.url('latchkey.js'),
  favicon: assets.url('favicon.svg'),
})
