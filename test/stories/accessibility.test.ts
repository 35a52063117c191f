import { afterAll, beforeAll, expect, test } from 'vitest'
import { haveAccount } from '../support/accounts.ts'
import { launchChromium } from '../support/chromium.ts'
import type { TestBrowser } from '../support/chromium.ts'
import { axeComplaints } from '../support/page-audit.ts'
import { peopleAt, wrong } from '../support/person.ts'
import type { People, Person } from '../support/person.ts'
import { startServer } from '../support/server.ts'
import type { Mail, TestServer } from '../support/server.ts'
import { addAuthenticator } from '../support/virtual-authenticator.ts'

const password = 'Analytical-1843'

let chromium: TestBrowser
let server: TestServer
let people: People
beforeAll(async () => {
  ;[chromium, server] = await Promise.all([launchChromium(), startServer()])
  people = peopleAt(chromium, server)
  await haveAccount(server, { username: 'grace@example.com', password })
  await haveAccount(server, { username: 'new@example.com', password, temporary: true })
})
afterAll(async () => {
  await people.leave()
  await Promise.all([chromium.close(), server.stop()])
})

const toLogin = async (visitor: Person): Promise<void> => {
  await visitor.opens('/demo/sign-in')
  await visitor.isAt('Sign in')
}
const toSignUp = async (visitor: Person): Promise<void> => {
  await toLogin(visitor)
  await visitor.follows('Create an account')
  await visitor.isAt('Create your account')
}
const toConfirm = async (visitor: Person): Promise<void> => {
  await toSignUp(visitor)
  await visitor.signsUp()
}
const toForgotPassword = async (visitor: Person): Promise<void> => {
  await toLogin(visitor)
  await visitor.follows('Forgot your password?')
  await visitor.isAt('Forgot your password?')
}
const toResetPassword = async (visitor: Person): Promise<void> => {
  await toForgotPassword(visitor)
  await visitor.types('Email address', 'nobody@example.com')
  await visitor.presses('Send me a code')
  await visitor.isAt('Choose a new password')
}
const toNewPassword = async (visitor: Person): Promise<void> => {
  await toLogin(visitor)
  await visitor.types('Email address', 'new@example.com')
  await visitor.types('Password', password)
  await visitor.presses('Sign in')
  await visitor.isAt('Choose your own password')
}
const toError = async (visitor: Person, path: string, heading: string): Promise<void> => {
  await visitor.opens(path)
  await visitor.isAt(heading)
}

const haveMessage = async (visitor: Person): Promise<Mail> => {
  await toConfirm(visitor)
  await visitor.receivesCode()
  return (await server.mail())[0]!
}

/** Every page, as somebody comes to see it. */
const pages: Record<string, (visitor: Person) => Promise<void>> = {
  'mailbox without messages': async (visitor) => {
    expect(await server.mail()).toEqual([])
    await visitor.opens('/dev/mail')
    await visitor.reads('No messages yet')
  },
  'sign-in': toLogin,
  'sign-in after a wrong password': async (visitor) => {
    await toLogin(visitor)
    await visitor.signsIn()
    await visitor.reads('Incorrect username or password.')
  },
  'sign-in with nothing typed': async (visitor) => {
    await toLogin(visitor)
    await visitor.presses('Sign in')
    await visitor.reads('Please fill this in.')
  },
  'code in place of a password': async (visitor) => {
    await toLogin(visitor)
    await visitor.types('Email address', 'grace@example.com')
    await visitor.presses('Email me a code')
    await visitor.isAt('Check your messages')
  },
  'passkey offered': async (visitor) => {
    await addAuthenticator(visitor.page)
    await toLogin(visitor)
    await visitor.types('Email address', 'grace@example.com')
    await visitor.types('Password', password)
    await visitor.presses('Sign in')
    await visitor.isAt('Sign in faster next time')
  },
  'passkeys of an account': async (visitor) => {
    await addAuthenticator(visitor.page)
    await visitor.opens('/account/passkeys')
    await visitor.types('Email address', 'grace@example.com')
    await visitor.types('Password', password)
    await visitor.presses('Sign in')
    await visitor.isAt('Sign in faster next time')
    await visitor.presses('Create a passkey')
    await visitor.isAt('Passkeys')
  },
  'sign-up': toSignUp,
  'sign-up with errors': async (visitor) => {
    await toSignUp(visitor)
    await visitor.types('Email address', 'nobody')
    await visitor.types('Password', 'short')
    await visitor.presses('Create account')
    await visitor.reads('Almost there: please look at the marked fields.')
  },
  code: toConfirm,
  'code after a wrong one': async (visitor) => {
    await toConfirm(visitor)
    await visitor.entersCode(wrong(await visitor.receivesCode()))
    await visitor.reads('Invalid verification code provided, please try again.')
  },
  'forgotten password': toForgotPassword,
  'forgotten password with nothing typed': async (visitor) => {
    await toForgotPassword(visitor)
    await visitor.presses('Send me a code')
    await visitor.reads('Please fill this in.')
  },
  'password reset': toResetPassword,
  'password reset with errors': async (visitor) => {
    await toResetPassword(visitor)
    await visitor.presses('Save new password')
    await visitor.reads('Please enter the code from the message.')
  },
  'new password': toNewPassword,
  'new password with errors': async (visitor) => {
    await toNewPassword(visitor)
    await visitor.types('New password', 'short')
    await visitor.presses('Save and continue')
    await visitor.reads('Almost there: please look at the marked fields.')
  },
  'signed out': async (visitor) => {
    await visitor.opens('/logout?client_id=demo')
    await visitor.isAt('You’re signed out')
  },
  'nothing here': (visitor) => toError(visitor, '/nowhere', 'There is nothing here'),
  'not that way': (visitor) => toError(visitor, '/resendcode', 'This page can’t be opened that way'),
  'unknown app': (visitor) => toError(visitor, '/oauth2/authorize?client_id=nobody', 'We don’t know this app'),
  'unknown return address': (visitor) =>
    toError(
      visitor,
      '/oauth2/authorize?client_id=demo&response_type=code&redirect_uri=https://example.com/',
      'We can’t send you back to this app',
    ),
  'too late': (visitor) => toError(visitor, '/login?client_id=demo&flow=gone', 'That took a little too long'),
  mailbox: async (visitor) => {
    await haveMessage(visitor)
    await visitor.opens('/dev/mail')
    await visitor.isAt('Mailbox')
    // It looks for new messages by itself, except while somebody moves through it.
    await visitor.page.keyboard.press('Tab')
  },
  message: async (visitor) => {
    const message = await haveMessage(visitor)
    await visitor.opens(`/dev/mail/${message.id}`)
    await visitor.isAt(message.subject)
  },
  'the demo app': async (visitor) => {
    await visitor.opens('/demo')
    await visitor.isSignedOut()
  },
  'the demo app with tokens': async (visitor) => {
    await visitor.opens('/demo/sign-in')
    await visitor.types('Email address', 'grace@example.com')
    await visitor.types('Password', password)
    await visitor.presses('Sign in')
    await visitor.isAt('You’re signed in')
  },
}

test.each(Object.entries(pages))('axe finds nothing: %s', async (name, open) => {
  const visitor = await people.join({ email: `${name.replaceAll(/[^a-z]/g, '-')}@example.com`, password })
  await open(visitor)
  expect(await axeComplaints(visitor.page, 'light')).toEqual([])
  expect(await axeComplaints(visitor.page, 'dark')).toEqual([])
  await people.leave()
})
