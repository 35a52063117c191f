import { offersToStaySignedIn } from '../domain/sessions/session-limits.ts'
import type { CheckBox } from '../platform/views/page-parts.ts'
import type { FormStep, Step } from './step.ts'

const fieldName = 'rememberMe'

/** The check box, where the pool has one and this client leaves it a meaning. */
export function staySignedInField(step: Step): { staySignedIn?: CheckBox } {
  if (!offersToStaySignedIn(step.tenant.snapshot.userPool, step.appClient)) return {}
  const { staySignedIn, signedIn } = step.flow.state
  const typed = 'form' in step ? (step as FormStep).form.get(fieldName) === '1' : undefined
  const checked = typed ?? staySignedIn ?? signedIn?.remembered ?? false
  return { staySignedIn: { label: step.locale.text('login.staySignedIn'), checked } }
}

/** What was chosen on a form that has the box. */
export const staySignedInOf = (step: FormStep): { staySignedIn?: boolean } =>
  offersToStaySignedIn(step.tenant.snapshot.userPool, step.appClient)
    ? { staySignedIn: step.form.get(fieldName) === '1' }
    : {}
