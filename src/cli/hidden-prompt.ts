import { CommandFailure } from '../app/administration/command-failure.ts'

/** What of a terminal is needed to ask for a secret. */
export interface SecretTerminal {
  input: Pick<NodeJS.ReadStream, 'setRawMode' | 'setEncoding' | 'on' | 'off' | 'resume' | 'pause'>
  output: { write(text: string): unknown }
}

const enter = new Set(['\r', '\n', '\u0004'])
const erase = new Set(['\b', '\u007f'])
const eraseLine = '\u0015'
const interrupt = '\u0003'

/**
 * Asks for a line and shows nothing of what is typed, not even how long it is.
 * @throws CommandFailure refused when it is broken off with Ctrl-C
 */
export function promptHidden({ input, output }: SecretTerminal, question: string): Promise<string> {
  // Before anybody is asked to type: a terminal that still echoes would show the first keys.
  input.setRawMode(true)
  input.setEncoding('utf8')
  output.write(question)
  input.resume()
  return new Promise((resolve, reject) => {
    let typed: string[] = []
    const end = (finish: () => void): void => {
      input.off('data', read)
      input.setRawMode(false)
      input.pause()
      output.write('\n')
      finish()
    }
    const read = (text: string): void => {
      // An arrow or function key, not something of the secret.
      if (text.startsWith('\u001b')) return
      for (const key of text) {
        if (enter.has(key)) return end(() => resolve(typed.join('')))
        if (key === interrupt) return end(() => reject(new CommandFailure('refused', 'Broken off.')))
        if (key === eraseLine) typed = []
        else if (erase.has(key)) typed.pop()
        else if (key >= ' ') typed.push(key)
      }
    }
    input.on('data', read)
  })
}
