import { Router } from '@koa/router'
import { accountRoutes } from './account/account.routes.ts'
import { confirmRoutes } from './confirm/confirm.routes.ts'
import { customChallengeRoutes } from './custom/custom-challenge.routes.ts'
import { consentRoutes } from './consent/consent.routes.ts'
import { confirmUserRoutes } from './confirm/confirm-user.routes.ts'
import { showErrorPage } from './error/error.page.ts'
import type { ErrorKey } from './error/error.page.ts'
import { federationRoutes } from './federation/federation.routes.ts'
import type { HostedServices } from './hosted-services.ts'
import { loginRoutes } from './login/login.routes.ts'
import { logoutRoutes } from './logout/logout.routes.ts'
import { mfaRoutes } from './mfa/mfa.routes.ts'
import { mfaSetUpRoutes } from './mfa/mfa-set-up.routes.ts'
import { selectMfaRoutes } from './mfa/select-mfa.routes.ts'
import { newPasswordRoutes } from './new-password/new-password.routes.ts'
import { showNotStarted } from './lost-flow.ts'
import { notMeRoutes } from './not-me/not-me.routes.ts'
import { passkeyOfferRoutes } from './passkey/passkey-offer.routes.ts'
import { passkeySignInRoutes } from './passkey/passkey-sign-in.routes.ts'
import { signInCodeRoutes } from './passwordless/sign-in-code.routes.ts'
import { signInLinkRoutes } from './passwordless/sign-in-link.routes.ts'
import { pagePaths } from './paths.ts'
import { forgotPasswordRoutes } from './reset-password/forgot-password.routes.ts'
import { resetLinkRoutes } from './reset-password/reset-link.routes.ts'
import { resetPasswordRoutes } from './reset-password/reset-password.routes.ts'
import { selectAccountRoutes } from './select-account/select-account.routes.ts'
import { explainTriggers } from './trigger-problem.ts'
import { signUpRoutes } from './sign-up/sign-up.routes.ts'

/** The pages of a user pool, relative to where the pool is reached. */
export function createHostedRouter(services: HostedServices): Router {
  const router = new Router()
  router.use(explainTriggers(services))
  loginRoutes(router, services)
  selectAccountRoutes(router, services)
  signUpRoutes(router, services)
  confirmRoutes(router, services)
  consentRoutes(router, services)
  confirmUserRoutes(router, services)
  forgotPasswordRoutes(router, services)
  resetPasswordRoutes(router, services)
  resetLinkRoutes(router, services)
  newPasswordRoutes(router, services)
  mfaRoutes(router, services)
  selectMfaRoutes(router, services)
  mfaSetUpRoutes(router, services)
  passkeySignInRoutes(router, services)
  federationRoutes(router, services)
  customChallengeRoutes(router, services)
  signInCodeRoutes(router, services)
  signInLinkRoutes(router, services)
  notMeRoutes(router, services)
  passkeyOfferRoutes(router, services)
  logoutRoutes(router, services)
  accountRoutes(router, services)
  router.get('/', (ctx) => {
    showNotStarted(services, ctx, 200)
  })
  router.get(pagePaths.error, (ctx) => {
    showErrorPage(services, ctx, errorKeys.get(String(ctx.query['error'])) ?? 'invalidRequest', { status: 400 })
  })
  return router
}

/** Cognito's error codes of `/error?error=…&client_id=…`. */
const errorKeys: ReadonlyMap<string, ErrorKey> = new Map([
  ['redirect_mismatch', 'redirectMismatch'],
  ['invalid_request', 'invalidRequest'],
  ['unknown_client', 'unknownClient'],
])
