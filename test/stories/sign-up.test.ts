import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { databaseKinds, startServer } from '../support/server.ts'
import type { TestServer } from '../support/server.ts'
import { createUserAgent } from '../support/user-agent.ts'

describe.each(databaseKinds)('signing up on %s', (database) => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer({ database })
  })
  afterAll(() => server.stop())

  test('a user who mistypes the code still confirms with the right one and lands in the app', async () => {
    const { visit } = createUserAgent(server.publicUrl)
    const login = await visit(`${server.publicUrl}/demo/sign-in`)
    expect(login.heading).toBe('Sign in')
    const signUp = await login.follow('Create an account')
    const confirm = await signUp.submit({ username: 'ada@example.com', password: 'Analytical-1843' })
    expect(confirm.url.pathname).toBe('/confirm')
    expect(confirm.text).toContain('a***@e***')
    const code = await server.codeFor('ada@example.com')
    const again = await confirm.submit({ code: code === '000000' ? '111111' : '000000' })
    expect(again.text).toContain('Invalid verification code provided, please try again.')
    const app = await again.submit({ code })
    expect(app.url.pathname).toBe('/demo')
    expect(app.text).toContain('ada@example.com')
  })
})
