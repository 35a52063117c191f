import type { FlowState } from '../domain/sessions/flow.ts'
import type { FlowPage } from './paths.ts'

/*
 * The only place that knows the order of the pages. A page does its step, saves the flow and comes back here.
 *
 *    authorize ──> selectAccount ──> finish, or
 *    authorize ──> login ──┬───────────────────────────────────────────> finish ──> the app
 *        │         │  │    ├─ temporary password ──> newPassword ──────────^  │      ^
 *        │         │  │    └─ not confirmed yet ──┐                        │  │      │
 *        │         │  └──> signUp ────────────────┴─> confirm ─────────────┤  │      │
 *        │         ├─────> signInCode ─────────────────────────────────────┤  │      │
 *        │         ├─────> customChallenge ──> customChallenge ──> … ───────┤  │      │
 *        │         ├─────> identityProvider ──> (the provider) ─────────────┤  │      │
 *        │         └─────> forgotPassword ──> resetPassword ───────────────┘  │      │
 *        └─ signed in already, third-party client ──────────────────────> consent ───┘
 *
 * Whichever way somebody comes to `finish`, what is still to be proved stands before it:
 *
 *    finish ──┬─ one factor ────────> mfa <──> selectMfa ──> finish
 *             ├─ several, no favourite ──> selectMfa
 *             ├─ none, and one is needed ──> mfaSetUp ─────> finish
 *             └─ could have a passkey, has none ──> passkeyOffer ──> finish
 */

const steps: readonly { page: FlowPage | 'finish'; due: (state: FlowState) => boolean }[] = [
  { page: 'newPassword', due: ({ attempt }) => attempt?.challenge === 'NEW_PASSWORD_REQUIRED' },
  { page: 'mfaSetUp', due: ({ attempt }) => attempt?.challenge === 'MFA_SETUP' },
  { page: 'selectMfa', due: ({ attempt }) => attempt?.challenge === 'SELECT_MFA_TYPE' },
  { page: 'mfa', due: ({ attempt }) => attempt !== undefined },
  { page: 'passkeyOffer', due: (state) => state.authenticated !== undefined && state.passkeyOffer === 'due' },
  { page: 'consent', due: (state) => state.authenticated !== undefined && state.consent === 'due' },
  { page: 'finish', due: (state) => state.authenticated !== undefined },
  { page: 'confirm', due: (state) => state.pending?.kind === 'confirm' },
  { page: 'resetPassword', due: (state) => state.pending?.kind === 'reset' },
  { page: 'signInCode', due: (state) => state.pending?.kind === 'signInCode' },
  { page: 'customChallenge', due: (state) => state.pending?.kind === 'customChallenge' },
  { page: 'selectAccount', due: (state) => state.chosen === 'selectAccount' && state.signedIn !== undefined },
  { page: 'signUp', due: (state) => state.chosen === 'signUp' },
  { page: 'forgotPassword', due: (state) => state.chosen === 'forgotPassword' },
  { page: 'login', due: () => true },
]

export const nextPage = (state: FlowState): FlowPage | 'finish' =>
  steps.find((step) => step.due(state))?.page ?? 'login'

/** Pages that anybody may open at any time of a flow; the others only when they are due. */
const openPages: ReadonlySet<FlowPage> = new Set(['login', 'signUp', 'forgotPassword', 'identityProvider'])

/**
 * The page to show when `requested` was asked for: an open page as it is, another one only when it is the one due
 * (threat rows B2, B3: no step is reached by its address).
 */
export function pageToShow(state: FlowState, requested: FlowPage): FlowPage | 'finish' {
  if (openPages.has(requested)) return requested
  const next = nextPage(state)
  // From one factor of one's own to another.
  if (requested === 'selectMfa' && next === 'mfa') return requested
  return next
}
