/** What an interaction's uid is sealed for, in the flow that waits for it. */
export const interactionUidPurpose = 'interaction uid'

/** For so long an interaction can be gone on with once more after it was: the answer that leads to the app may be lost. */
export const answeredSeconds = 10
