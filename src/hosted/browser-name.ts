import Bowser from 'bowser'

/** What a browser says of itself, in a word or two that its owner knows: `Firefox`, `Windows`. */
export function browserName(userAgent: string): { browser?: string; system?: string } {
  const parser = Bowser.getParser(userAgent)
  const { name: browser } = parser.getBrowser()
  const { name: system } = parser.getOS()
  return {
    ...(browser === undefined || browser === '' ? {} : { browser }),
    ...(system === undefined || system === '' ? {} : { system }),
  }
}
