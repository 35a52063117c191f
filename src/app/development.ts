import type { Router } from '@koa/router'
import { createDemo } from '../demo/demo.ts'
import { demoPaths } from '../demo/demo-paths.ts'
import type { HostedServices } from '../hosted/hosted-services.ts'
import { createMailboxReader } from '../messaging/dev-mailbox-reader.ts'
import { mailboxRepository } from '../persistence/mailbox-repository.ts'
import type { Environment } from '../platform/config/environment.ts'
import type { Log } from '../platform/log.ts'
import { demoClientId, secondDemoClientId } from './default-configuration.ts'
import { createDevelopmentRouter } from './development-routes.ts'
import type { OpenServices } from './open-services.ts'

export interface DevelopmentParts {
  routers: readonly Router[]
  /** The demo, where there is one to sign in with. */
  demoUrl?: string
  /** Where mail is shown when no mail server is set up. */
  mailboxUrl?: string
}

/** `/dev` and `/demo` (design §5): never in production. */
export async function createDevelopmentParts(
  environment: Environment,
  services: OpenServices,
  hosted: HostedServices,
  publicUrl: string,
  log: Log,
): Promise<DevelopmentParts> {
  if (!environment.development) return { routers: [] }
  const { domain } = services
  const mailbox = createMailboxReader(mailboxRepository(services.database.kysely), domain.sealedBox)
  const mailboxUrl = environment.smtpUrl === undefined ? { mailboxUrl: `${publicUrl}/dev/mail` } : {}
  if (!(await hasDemo(services))) return { routers: [createDevelopmentRouter(hosted, mailbox)], ...mailboxUrl }
  const demo = demoRouter(services, hosted, publicUrl, log)
  const routers = [createDevelopmentRouter(hosted, mailbox, demoPaths.home), demo]
  return { routers, demoUrl: `${publicUrl}${demoPaths.home}`, ...mailboxUrl }
}

/** The demo signs in at the default user pool, if its app client is there. */
async function hasDemo({ directory }: OpenServices): Promise<boolean> {
  const userPool = directory.default()
  const snapshot = userPool && (await directory.get(userPool.id))
  return snapshot?.appClients.has(demoClientId) === true
}

function demoRouter({ domain, directory }: OpenServices, hosted: HostedServices, publicUrl: string, log: Log): Router {
  const { router } = createDemo({
    issuer: () => directory.default()?.issuer ?? publicUrl,
    origin: publicUrl,
    clientId: demoClientId,
    secondClientId: secondDemoClientId,
    views: hosted.views,
    catalogue: hosted.catalogue,
    assets: hosted.assets,
    random: domain.random,
    clock: domain.clock,
    log,
  })
  return router
}
