import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'
import { openServices } from '../../src/app/open-services.ts'
import { readEnvironment } from '../../src/platform/config/environment.ts'
import { createLog } from '../../src/platform/log.ts'
import { readMessage } from '../../src/messaging/read-message.ts'
import type { Latchkey } from './latchkey.ts'

/** What messages look like is seen before anybody gets one; a new user is invited. The database must be free. */
export async function mailPreviewStory({ env, run, json, folder }: Latchkey): Promise<void> {
  const log = createLog({ level: 'silent', pretty: false })
  const services = await openServices({ environment: readEnvironment(env), log })
  const { settings } = services.domain.store
  const [record] = await settings.userPools()
  if (record === undefined) throw new Error('no pool')
  const own = {
    EmailConfiguration: { From: 'Acme Shop <shop@acme.example>', ReplyToEmailAddress: 'help@acme.example' },
    MessageTemplates: { ForgotPassword: { EmailSubject: { de: 'Neues Passwort', '*': 'New password' } } },
  }
  await settings.saveUserPool({ ...record, settings: { ...record.settings, ...own } }, services.domain.clock.now())
  await settings.saveAppClient(
    {
      userPoolId: record.id,
      id: 'previewed',
      name: 'previewed',
      settings: { MessageTemplates: { ForgotPassword: { EmailSubject: 'The app’s own' } }, Branding: { Name: 'App' } },
    },
    services.domain.clock.now(),
  )
  await services.close()
  const all = await json('mail', 'preview')
  expect(all.Messages).toHaveLength(11)
  for (const message of all.Messages) {
    expect(message).toMatchObject({
      From: 'Acme Shop <shop@acme.example>',
      ReplyTo: 'help@acme.example',
      Language: 'en',
    })
    expect(message.Html).toContain('<html')
  }
  const one = await run(['mail', 'preview', 'ForgotPassword', '--language', 'de-AT', 'en'])
  expect(one).toMatchObject({ status: 0, stderr: '' })
  expect(one.stdout).toMatch(/^Message\s+ForgotPassword\nFrom .*\nReplyTo .*\nSubject\s+Neues Passwort\n {2}/)
  const ofClient = await json('mail', 'preview', 'ForgotPassword', '--client', 'previewed')
  expect(ofClient.Messages).toMatchObject([{ Subject: 'The app’s own' }])
  expect((await json('mail', 'preview', 'Verification', '--sms')).Messages[0].Html).toBeUndefined()
  const out = join(folder, 'previews')
  expect(await run(['mail', 'preview', '--out', out])).toMatchObject({
    status: 0,
    stdout: `11 messages are in ${out}.\n`,
  })
  expect((await readdir(out)).length).toBe(22)
  expect(await readFile(join(out, 'Notice.html'), 'utf8')).toContain('Your password was changed')
  expect(await run(['mail', 'preview', 'Welcome'])).toMatchObject({ status: 2 })
  expect(await run(['mail', 'preview', '--client', 'nobody'])).toMatchObject({ status: 3 })

  // The password goes to the new user, and to nobody else.
  const create = ['user', 'create', 'invited', '--generate-password', '--invite']
  const made = await run([...create, '--attribute', 'email=invited@example.com', '--attribute', 'locale=de_AT'])
  expect(made).toMatchObject({ status: 0, stdout: 'Created invited (FORCE_CHANGE_PASSWORD).\n' })
  expect(await run([...create, '--permanent'])).toMatchObject({ status: 2 })
  const opened = await openServices({ environment: readEnvironment(env), log })
  const { store, sealedBox, clock } = opened.domain
  const entries = await store.outbox.take({ limit: 100, leaseSeconds: 0, at: clock.now() })
  const messages = entries.flatMap(({ sealedMessage }) => {
    try {
      return [readMessage(sealedMessage, sealedBox)]
    } catch {
      return []
    }
  })
  await opened.close()
  expect(messages.find(({ kind }) => kind === 'invitation')).toMatchObject({
    ...{ recipient: 'invited@example.com', username: 'invited', languages: ['de-AT'], medium: 'EMAIL' },
    code: expect.stringMatching(/^.{20,}$/) as string,
    trigger: { source: 'AdminCreateUser' },
  })
  await json('user', 'delete', 'invited', '--yes')
  await json('client', 'delete', 'previewed', '--yes')
}
