/** How many guesses in a row may have been looked at while the locks of 1, 2, 4 … seconds ran out. */
export const guessesIn = (milliseconds: number): number => 5 + Math.ceil(Math.log2(milliseconds / 1000 + 1))
