/** Percent-encodes every code unit, lone surrogates (as WTF-8) as well, which `encodeURIComponent` refuses. */
export function encodeText(text: string): string {
  return Array.from(text, (character) => {
    if (character.isWellFormed()) return encodeURIComponent(character)
    const unit = character.charCodeAt(0)
    const bytes = [0xe0 | (unit >> 12), 0x80 | ((unit >> 6) & 0x3f), 0x80 | (unit & 0x3f)]
    return bytes.map((byte) => `%${byte.toString(16)}`).join('')
  }).join('')
}
