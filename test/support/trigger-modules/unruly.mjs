import { appendFileSync } from 'node:fs'

/** Does what a handler should not do, by the name that somebody signs up with. */
export const handler = async (event, context) => {
  const name = event.userName
  if (name.startsWith('spin')) for (;;);
  if (name.startsWith('hang')) return new Promise(() => {})
  if (name.startsWith('ticks')) {
    setInterval(() => appendFileSync(process.env.TICKS_FILE, '.'), 10)
    return new Promise(() => {})
  }
  if (name.startsWith('exit')) process.exit(3)
  if (name.startsWith('later'))
    setTimeout(() => {
      throw new Error('nobody waits for me')
    }, 20)
  if (name.startsWith('garbage')) return { some: 'thing' }
  if (name.startsWith('nothing')) return undefined
  if (name.startsWith('circle')) {
    event.self = event
    return event
  }
  if (name.startsWith('secrets'))
    throw new Error(
      `saw ${Object.keys(process.env)
        .filter((key) => /^(HOOK_SECRET|SMTP_URL|LATCHKEY_SECRET)$/.test(key))
        .join()}`,
    )
  if (name.startsWith('time')) throw new Error(`left ${Math.ceil(context.getRemainingTimeInMillis() / 1000)}`)
  return event
}
