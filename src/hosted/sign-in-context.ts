import type { SignInContext } from '../domain/sign-in/advance.ts'
import { askedOf } from './asked-level.ts'
import { deviceHashesOf } from './remembered-device.ts'
import type { Step } from './step.ts'

/** What a sign-in on these pages depends on beside what is proved: the pool, the app and what it asks for, the browser. */
export const signInContext = (step: Step): Required<SignInContext> => ({
  userPool: step.tenant.snapshot.userPool,
  appClient: step.appClient,
  languages: step.languages,
  asked: askedOf(step),
  deviceHashes: deviceHashesOf(step),
})
