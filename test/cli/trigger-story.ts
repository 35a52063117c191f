import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'
import { openServices } from '../../src/app/open-services.ts'
import { readEnvironment } from '../../src/platform/config/environment.ts'
import { createLog } from '../../src/platform/log.ts'
import type { Latchkey } from './latchkey.ts'

const modulePath = join(import.meta.dirname, '..', 'support', 'trigger-modules', 'deny.mjs')

/** A hook is asked by hand, and what it was asked before is seen. The database must be free. */
export async function triggerStory({ env, run, json, folder }: Latchkey): Promise<void> {
  const log = createLog({ level: 'silent', pretty: false })
  const services = await openServices({ environment: readEnvironment(env), log })
  try {
    const { store, clock } = services.domain
    const [record] = await store.settings.userPools()
    if (record === undefined) throw new Error('no pool')
    await store.settings.saveUserPool({ ...record, triggers: { PreSignUp: { Module: modulePath } } }, clock.now())
    await store.triggerInvocations.add({
      ...{ id: 'one', userPoolId: record.id, at: clock.now(), trigger: 'PreSignUp', source: 'PreSignUp_SignUp' },
      ...{
        durationMs: 12,
        attempts: 1,
        outcome: 'Denied',
        problem: 'PreSignUp failed with error \u001b[2JNo.',
        event: '{}',
      },
    })
  } finally {
    await services.close()
  }
  const eventOf = async (email: string): Promise<string> => {
    const file = join(folder, 'event.json')
    const event = { triggerSource: 'PreSignUp_SignUp', request: { userAttributes: { email } }, response: {} }
    await writeFile(file, JSON.stringify(event))
    return file
  }
  const asked = await json('trigger', 'test', 'PreSignUp', '--event', await eventOf('known-ada@example.com'))
  expect(asked).toMatchObject({
    Outcome: 'Pass',
    Answer: { response: { autoConfirmUser: true, autoVerifyEmail: true } },
  })
  const denied = await run(['trigger', 'test', 'PreSignUp', '--event', await eventOf('eve@blocked.example')])
  expect(denied).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/^Denied after \d+ ms\nThis address is on our list\.\n$/),
  })
  const log_ = await json('trigger', 'log')
  // What is asked by hand is not put there.
  expect(log_).toMatchObject({
    Invocations: [{ Id: 'one', Trigger: 'PreSignUp', Outcome: 'Denied', DurationMs: 12, Event: {} }],
  })
  const shown = await run(['trigger', 'log', 'PreSignUp'])
  expect([shown.status, shown.stdout.includes('\u001b'), shown.stdout.includes('PreSignUp_SignUp')]).toEqual([
    0,
    false,
    true,
  ])
  expect(await run(['trigger', 'log', 'PostConfirmation'])).toMatchObject({ stdout: 'No trigger was asked.\n' })
  expect(await run(['trigger', 'test', 'PostConfirmation', '--event', await eventOf('a@b.c')])).toMatchObject({
    status: 3,
  })
  expect(await run(['trigger', 'test', 'PreSignUp', '--event', '/does/not/exist'])).toMatchObject({ status: 2 })
  expect(await run(['trigger', 'log', 'PreSignUpp'])).toMatchObject({ status: 2 })
}
