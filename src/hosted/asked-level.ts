import { askedLevel } from '../domain/assurance/levels.ts'
import type { AssuranceLevel } from '../domain/assurance/levels.ts'
import type { Step } from './step.ts'

/** How sure the app wants to be of the person; 0: it does not say. */
export const askedOf = ({ tenant, flow }: Step): AssuranceLevel =>
  askedLevel(tenant.snapshot.userPool, flow.state.request['acr_values'])
