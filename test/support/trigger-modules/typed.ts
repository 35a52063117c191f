interface Event {
  response: { claimsOverrideDetails: { claimsToAddOrOverride: Record<string, string> } | null }
}

/** TypeScript as it is written. */
export const handler = async (event: Event): Promise<Event> => {
  event.response.claimsOverrideDetails = { claimsToAddOrOverride: { made_by: 'typescript' } }
  return event
}
