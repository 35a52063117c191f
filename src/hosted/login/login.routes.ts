import type { Router } from '@koa/router'
import { signIn } from '../../domain/sign-in/sign-in.ts'
import { requiresCustomAuth } from '../../domain/custom-auth/custom-sign-in.ts'
import { beginCustom } from '../custom/begin-custom.ts'
import type { HostedServices } from '../hosted-services.ts'
import { knownBrowserHash } from '../known-browser.ts'
import { pagePaths } from '../paths.ts'
import { openForm, openPage } from '../open-step.ts'
import { signInContext } from '../sign-in-context.ts'
import { afterSignIn } from './after-sign-in.ts'
import { showLoginPage } from './login.page.ts'

export function loginRoutes(router: Router, services: HostedServices): void {
  router.get(pagePaths.login, async (ctx) => {
    const step = await openPage(services, ctx, 'login')
    if (step !== undefined) await showLoginPage(services, step, { username: step.flow.state.username ?? '' })
  })
  router.post(pagePaths.login, async (ctx) => {
    const step = await openForm(services, ctx, 'login')
    if (step === undefined) return
    const username = step.form.get('username') ?? ''
    const password = step.form.get('password') ?? ''
    if (username.trim() === '' || password === '') {
      return showLoginPage(services, step, {
        username,
        missing: { username: username.trim() === '', password: password === '' },
      })
    }
    if (requiresCustomAuth(step.tenant.snapshot.userPool, step.appClient)) {
      return beginCustom(services, step, { username, password })
    }
    const typed = { username, password, browserHash: knownBrowserHash(step) }
    const outcome = await signIn(step.domain, { ...signInContext(step), ...typed })
    await afterSignIn(services, step, username, outcome)
  })
}
