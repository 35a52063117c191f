import { expect, test } from 'vitest'
import { forgotPassword } from '../../src/domain/recovery/forgot-password.ts'
import { createUser } from '../../src/domain/users/administer-user.ts'
import { onEachDatabase, password } from './domain-fixture.ts'
onEachDatabase((context) => {
  test('race', async () => {
    const userPool = await context.makePool({ UsernameAttributes: ['email'] })
    await createUser(context.services, { userPool, username: 'a@example.org', attributes: { email_verified: 'true' }, password, permanent: true })
    await Promise.all(Array.from({ length: 30 }, () => forgotPassword(context.services, { userPool, username: 'a@example.org', languages: [] })))
    console.log('MAILS', (await context.newMessages()).length); expect(1).toBe(1)
  })
})
