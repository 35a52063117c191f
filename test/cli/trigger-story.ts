import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'
import { openServices } from '../../src/app/open-services.ts'
import type { OpenServices } from '../../src/app/open-services.ts'
import { readEnvironment } from '../../src/platform/config/environment.ts'
import { createLog } from '../../src/platform/log.ts'
import type { Latchkey } from './latchkey.ts'

const modulePath = join(import.meta.dirname, '..', 'support', 'trigger-modules', 'deny.mjs')

/** A hook is asked by hand, and what it was asked before is seen. The database must be free. */
export async function triggerStory({ env, run, json, folder }: Latchkey): Promise<void> {
  const withServices = async (work: (services: OpenServices) => Promise<void>): Promise<void> => {
    const log = createLog({ level: 'silent', pretty: false })
    const services = await openServices({ environment: readEnvironment(env), log })
    await work(services).finally(() => services.close())
  }
  const save = async ({ domain }: OpenServices, triggers: object): Promise<void> => {
    const { settings } = domain.store
    const [record] = await settings.userPools()
    if (record === undefined) throw new Error('no pool')
    await settings.saveUserPool({ ...record, triggers: { ...triggers } }, domain.clock.now())
  }
  await withServices(async (services) => {
    const { store, clock } = services.domain
    await save(services, { PreSignUp: { Module: modulePath } })
    await store.triggerInvocations.add({
      ...{ id: 'one', userPoolId: services.directory.default()?.id ?? '', at: clock.now(), trigger: 'PreSignUp' },
      ...{ source: 'PreSignUp_SignUp', durationMs: 12, attempts: 1, outcome: 'Denied', event: '{}' },
      problem: 'PreSignUp failed with error \u001b[2JNo.',
    })
  })
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
  // An operator's own new users are asked for as well, and that is on record.
  const create = ['user', 'create', 'eve', '--password-stdin', '--attribute', 'email=eve@blocked.example']
  expect(await run(create, { stdin: 'Analytical-1\n' })).toMatchObject({
    status: 4,
    stderr: 'latchkey: PreSignUp failed with error This address is on our list..\n',
  })
  const latest = await json('trigger', 'log', '--limit', '1')
  expect(latest).toMatchObject({ Invocations: [{ TriggerSource: 'PreSignUp_AdminCreateUser', Outcome: 'Denied' }] })
  const log_ = { Invocations: (await json('trigger', 'log')).Invocations.slice(1) }
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
  await withServices((services) => save(services, {}))
}
