/** Words of placeholders, in any spelling: what stands in an example is known to everybody. */
const placeholder =
  /change.?(me|it|this)|example|secret|passw|placeholder|default|replace.?(me|this|with)|insecure|your.?(key|own)|latchkey|qwert|letmein|12345678|87654321/i

const easy = 'is too easy to guess'

/**
 * Why a secret is none (threat row F4): the servers that were broken by theirs ran with the one of the documentation.
 * @returns the end of a sentence about it; undefined for one that looks random
 */
export function weakness(secret: string): string | undefined {
  if (new Set(secret).size < 10) return easy
  if (placeholder.test(secret)) return 'looks like a placeholder'
  return isRepeated(secret) || isSequence(secret) ? easy : undefined
}

/** Made of a part of at most half its length, over and over. */
function isRepeated(text: string): boolean {
  const longest = Math.floor(text.length / 2)
  return Array.from({ length: longest }, (_, index) => index + 1).some(
    (length) => text.slice(length) === text.slice(0, -length),
  )
}

/** Most characters are the neighbours of those before them: `abcdef…`. Of random hexadecimal digits one in five is. */
function isSequence(text: string): boolean {
  const codes = Array.from(text, (character) => character.codePointAt(0) ?? 0)
  const steps = codes.slice(1).filter((code, index) => Math.abs(code - (codes[index] ?? 0)) <= 1)
  return steps.length > codes.length / 2
}
