/** What JavaScript's strings and JSON may hold and PostgreSQL's jsonb refuses: NUL, and halves of surrogate pairs. */
const refused = /\\u(?:0000|d[89a-f])/i

/** JSON for a jsonb column. What the column would refuse becomes U+FFFD: no input may make a statement fail. */
export function jsonText(value: unknown): string {
  const text = JSON.stringify(value)
  return refused.test(text) ? JSON.stringify(storable(value)) : text
}

function storable(value: unknown): unknown {
  if (typeof value === 'string') return value.toWellFormed().replaceAll('\0', '\uFFFD')
  if (Array.isArray(value)) return value.map(storable)
  if (typeof value !== 'object' || value === null || 'toJSON' in value) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [storable(name), storable(member)]))
}
