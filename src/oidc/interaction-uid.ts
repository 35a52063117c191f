/** What an interaction's uid is sealed for, in the flow that waits for it. */
export const interactionUidPurpose = 'interaction uid'
