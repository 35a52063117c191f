import type { Router } from '@koa/router'
import type { HostedServices } from '../hosted-services.ts'
import { activityRoutes } from './activity.routes.ts'
import { addressRoutes } from './address.routes.ts'
import { addPasskeyRoutes } from './add-passkey.routes.ts'
import { appRoutes } from './app.routes.ts'
import { appsRoutes } from './apps.routes.ts'
import { dataRoutes } from './data.routes.ts'
import { deleteRoutes } from './delete.routes.ts'
import { devicesRoutes } from './devices.routes.ts'
import { factorsRoutes } from './factors.routes.ts'
import { homeRoutes } from './home.routes.ts'
import { identitiesRoutes } from './identities.routes.ts'
import { passkeysRoutes } from './passkeys.routes.ts'
import { passwordRoutes } from './password.routes.ts'
import { profileRoutes } from './profile.routes.ts'
import { recoveryCodesRoutes } from './recovery-codes.routes.ts'
import { sessionsRoutes } from './sessions.routes.ts'

/** Everything below `/account`, where people manage what is theirs. Cognito has no such pages. */
export function accountRoutes(router: Router, services: HostedServices): void {
  homeRoutes(router, services)
  profileRoutes(router, services)
  addressRoutes(router, services)
  passwordRoutes(router, services)
  factorsRoutes(router, services)
  appRoutes(router, services)
  passkeysRoutes(router, services)
  identitiesRoutes(router, services)
  addPasskeyRoutes(router, services)
  recoveryCodesRoutes(router, services)
  devicesRoutes(router, services)
  sessionsRoutes(router, services)
  appsRoutes(router, services)
  activityRoutes(router, services)
  dataRoutes(router, services)
  deleteRoutes(router, services)
}
