/** A value as a message shows it; what stands before the host of a URL may be a password. */
export const shownValue = (value: unknown): string =>
  JSON.stringify(typeof value === 'string' ? value.replace(/\/\/[^/]*@/, '//…@') : value)
