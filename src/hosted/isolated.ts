/** A name or an address within a sentence: it keeps its own direction (Unicode UAX #9, first strong isolate). */
export const isolated = (text: string): string => `\u2068${text}\u2069`
