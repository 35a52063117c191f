import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startServer } from '../support/server.ts'
import type { TestServer } from '../support/server.ts'
import type { VisitedPage } from '../support/user-agent.ts'
import { whereItIs } from '../support/visitor.ts'
import { stepPools, steps } from './support/steps.ts'
import type { Step } from './support/steps.ts'

/*
 * B2, the step that counts as done because nothing was sent: authentik CVE-2026-49448, where an empty body passed the
 * source stage. Each form is sent with its token, as somebody does who has the page open, and with everything else missing,
 * empty, of another type, twice, or in another place; and with members that only the server sets. Nothing of it gets any
 * further, and the right form still does. Guards src/hosted/*.routes.ts (each asks for its own proof),
 * src/hosted/dispatcher.ts and src/platform/http/read-form.ts. Bodies without a token: test/stories/odd-paths/what-was-typed.
 */

let server: TestServer
beforeAll(async () => {
  server = await startServer({ configuration: stepPools() })
})
afterAll(() => server.stop())

const formType = { 'content-type': 'application/x-www-form-urlencoded' }
const encode = (fields: Record<string, string>): string => new URLSearchParams(fields).toString()

type Body = (step: Step, field: string) => RequestInit & { query?: string }

/** What is sent in place of one field. */
const instead: Record<string, Body> = {
  'left out': ({ hidden, right }, field) => {
    const { [field]: _, ...others } = right
    return { body: encode({ ...hidden, ...others }) }
  },
  // Fewer than there are tries: some of them are guesses.
  ...Object.fromEntries(
    ['', ' ', 'null', '[]', '\0'].map((value) => [
      JSON.stringify(value),
      ({ hidden, right }: Step, field: string) => ({ body: encode({ ...hidden, ...right, [field]: value }) }),
    ]),
  ),
  'as a list': ({ hidden, right }, field) => {
    const { [field]: value = '', ...others } = right
    return { body: encode({ ...hidden, ...others, [`${field}[]`]: value, [`${field}[0]`]: value }) }
  },
  'in another case': ({ hidden, right }, field) => {
    const { [field]: value = '', ...others } = right
    return { body: encode({ ...hidden, ...others, [field.toUpperCase()]: value }) }
  },
  'in the address only': ({ hidden, right }, field) => {
    const { [field]: value = '', ...others } = right
    return { body: encode({ ...hidden, ...others }), query: encode({ [field]: value }) }
  },
  'twice, right and wrong': ({ hidden, right }, field) => ({
    body: `${encode({ ...hidden, ...right })}&${field}=wrong`,
  }),
  'twice, wrong and right': ({ hidden, right }, field) => ({
    body: `${field}=wrong&${encode({ ...hidden, ...right })}`,
  }),
}

/** Whole bodies that are no form of ours. */
const bodies: Record<string, Body> = {
  nothing: () => ({}),
  'nothing, and no type': () => ({ headers: {} }),
  'one equals sign': () => ({ body: '=' }),
  ampersands: () => ({ body: '&&&&' }),
  'all of it as JSON': ({ hidden, right }) => ({
    body: JSON.stringify({ ...hidden, ...right }),
    headers: { 'content-type': 'application/json' },
  }),
  'all of it as text': ({ hidden, right }) => ({
    body: encode({ ...hidden, ...right }),
    headers: { 'content-type': 'text/plain' },
  }),
  'all of it in parts': ({ hidden, right }) => {
    const body = new FormData()
    for (const [name, value] of Object.entries({ ...hidden, ...right })) body.set(name, value)
    return { body, headers: {} }
  },
  'all of it under two types': ({ hidden, right }) => ({
    body: encode({ ...hidden, ...right }),
    headers: { 'content-type': 'text/plain, application/x-www-form-urlencoded' },
  }),
  'all of it without a type': ({ hidden, right }) => ({
    body: new TextEncoder().encode(encode({ ...hidden, ...right })),
    headers: { 'content-type': '' },
  }),
  'all of it in the address': ({ hidden, right }) => ({ query: encode({ ...hidden, ...right }) }),
  'all of it with semicolons': ({ hidden, right }) => ({ body: encode({ ...hidden, ...right }).replaceAll('&', ';') }),
  'all of it encoded twice': ({ hidden, right }) => ({ body: encodeURIComponent(encode({ ...hidden, ...right })) }),
}

/** Members of the flow and of users that no form may set. */
const forbidden = {
  authenticated: '1',
  'authenticated[userSub]': 'x',
  userSub: 'x',
  sub: 'x',
  chosen: 'finish',
  page: 'finish',
  consent: 'given',
  pending: '',
  passwordProved: 'true',
  email_verified: 'true',
  'custom:admin': 'true',
  status: 'CONFIRMED',
  challenge: '',
  attempt: '',
  next: '/oauth2/authorize',
  __proto__: 'x',
  'constructor[prototype][authenticated]': '1',
}

const send = (step: Step, request: RequestInit & { query?: string }): Promise<VisitedPage> => {
  const { query = '', ...init } = request
  return step.agent.visit(`${step.action}${query === '' ? '' : `&${query}`}`, {
    headers: formType,
    ...init,
    method: 'POST',
  })
}

/** Nobody's proof: this form does what it does for whoever has it. */
const needsNothing = ['selectAccount', 'resendSignUp', 'resendReset', 'confirmLink']
const withFields = Object.keys(steps).filter((name) => !needsNothing.includes(name))

describe.each(Object.keys(steps))('the form of %s', (name) => {
  let step: Step
  beforeAll(async () => {
    step = await steps[name]!(server)
  })

  const isNoFurther = (page: VisitedPage, what: string): void => {
    expect(page.status, what).toBeLessThan(500)
    expect(whereItIs(page), what).not.toBe(step.done)
    expect(whereItIs(page), what).not.toMatch(/^the app/)
  }

  test.each(Object.keys(bodies))('sent as %s leads no further', async (what) => {
    const page = await send(step, bodies[what]!(step, ''))
    isNoFurther(page, what)
    expect(page.status, what).toBeGreaterThanOrEqual(400)
  })

  if (withFields.includes(name)) {
    test.each(Object.keys(instead))('with each field in turn %s leads no further', async (what) => {
      for (const field of Object.keys(step.right)) {
        // A name that nobody has is asked for a code all the same, so as not to tell; and a password may be anything.
        if (!what.startsWith('twice') && mayBeAnything(name, field, what)) continue
        isNoFurther(await send(step, instead[what]!(step, field)), `${field} ${what}`)
      }
    })

    test('with its token alone leads no further', async () => {
      isNoFurther(await send(step, { body: encode(step.hidden) }), 'the token alone')
    })

    test('without any field, but with all that only the server sets, leads no further', async () => {
      isNoFurther(await send(step, { body: encode({ ...step.hidden, ...forbidden }) }), 'set from outside')
    })
  }

  test('sent as it is does what it is for, and takes nothing else from it', async () => {
    const page = await send(step, { body: encode({ ...forbidden, ...step.hidden, ...step.right }) })
    expect(whereItIs(page)).toBe(step.done)
    const users = await server.services.database.kysely.selectFrom('users').select(['attributes']).execute()
    for (const { attributes } of users) expect(Object.keys(attributes)).not.toContain('custom:admin')
  })
})

function mayBeAnything(step: string, field: string, what: string): boolean {
  const blank = ['""', '" "', 'left out', 'as a list', 'in another case', 'in the address only']
  return step === 'forgotPassword' && field === 'username' && !blank.includes(what)
}
