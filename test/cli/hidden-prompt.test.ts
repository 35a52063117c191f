import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { promptHidden } from '../../src/cli/hidden-prompt.ts'

function terminal() {
  const modes: boolean[] = []
  const shown: string[] = []
  const input = Object.assign(new PassThrough(), {
    setRawMode: (raw: boolean) => {
      modes.push(raw)
    },
  })
  return {
    modes,
    shown,
    input: input as never,
    type: (keys: string) => input.write(keys),
    output: { write: (text: string) => shown.push(text) },
  }
}

test('what is typed is not shown, and can be corrected', async () => {
  const { modes, shown, type, ...streams } = terminal()
  const answer = promptHidden(streams, 'New password: ')
  for (const keys of ['wrong', '\u0015', 'Analyticak', '\u007f', '\u001b[A', 'l-1', '\r']) type(keys)
  expect(await answer).toBe('Analytical-1')
  expect(shown.join('')).toBe('New password: \n')
  expect(modes).toEqual([true, false])
})

test('Ctrl-C gives up and leaves the terminal as it was', async () => {
  const { modes, type, ...streams } = terminal()
  const answer = promptHidden(streams, 'New password: ')
  type('Analyt\u0003')
  await expect(answer).rejects.toMatchObject({ reason: 'refused' })
  expect(modes).toEqual([true, false])
})
