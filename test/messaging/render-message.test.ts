import { describe, expect, it } from 'vitest'
import { htmlToText } from '../../src/messaging/email/cognito-template.ts'
import type { PoolPresentation } from '../../src/messaging/message-texts.ts'
import { createMessageRenderer } from '../../src/messaging/render-message.ts'
import type { OutgoingMessage } from '../../src/domain/messages/message.ts'
import { acme, catalogue, engine, verification } from './support/sample-messages.ts'

const render = (message: OutgoingMessage, presentation: PoolPresentation | undefined = acme) =>
  createMessageRenderer({ views: engine, catalogue, brandOf: async () => presentation })('id-1', message)

describe('the texts of messages', () => {
  it('say whose they are and carry the code, in both forms', async () => {
    const message = await render(verification())
    expect(message).toMatchObject({
      id: 'id-1',
      medium: 'EMAIL',
      recipient: 'jo@example.com',
      brandName: 'Acme',
      lang: 'en',
    })
    expect(message.subject).toContain('Acme')
    expect(message.text).toContain('493817')
    expect(message.text).toContain('24 hours')
    expect(message.html).toContain('493817')
    expect(message.html).toMatch(/<html[^>]* lang="en"/)
  })

  it('are in the user’s language', async () => {
    const message = await render(verification({ languages: ['fr-CA', 'de-AT', 'en'] }))
    expect(message.lang).toBe('de')
    expect(message.html).toMatch(/<html[^>]* lang="de"/)
  })

  it.each([
    [{ kind: 'reset', validForMinutes: 60 } as const, ['493817', '1 hour']],
    [
      { kind: 'signInCode', validForMinutes: 15, link: 'https://a.example/signInLink?token=x' } as const,
      ['493817', '15 minutes', 'https://a.example/signInLink?token=x'],
    ],
    [{ kind: 'addressVerification', validForMinutes: 1440 } as const, ['493817', '24 hours']],
    [{ kind: 'addressChanging' } as const, ['https://login.acme.example/login', 'Nothing changes until']],
    [{ kind: 'addressChanged' } as const, ['https://login.acme.example/login', 'another address']],
    [{ kind: 'accountExists', link: 'https://a.example/login?x=1' } as const, ['https://a.example/login?x=1']],
    [{ kind: 'accountExists' } as const, ['https://login.acme.example/login']],
    [
      { kind: 'invitation', username: 'jo', code: 'Temp-Pass1', validForMinutes: 10_080 } as const,
      ['jo', 'Temp-Pass1', '7 days', 'https://login.acme.example/login'],
    ],
  ])('hold what is needed: %j', async (change, parts) => {
    const message = await render(verification(change))
    for (const part of parts) {
      expect(message.text).toContain(part)
      expect(message.html).toContain(part)
    }
  })

  it('escape whatever a user or tenant called something', async () => {
    const name = '<img src=x onerror=alert(1)>'
    const presentation = { ...acme, brand: { name } }
    const message = await render(verification({ kind: 'invitation', username: '<b>jo</b>"\'' }), presentation)
    expect(message.html).not.toContain('<img src=x')
    expect(message.html).not.toContain('<b>jo')
    expect(message.text).toContain('<b>jo</b>')
  })

  it('have subjects of one line, however the brand is written', async () => {
    const presentation = { ...acme, brand: { name: 'Acme\r\nBcc: mal@example.com\u2028\u0000' } }
    const message = await render(verification(), presentation)
    expect(message.subject).toContain('Acme Bcc: mal@example.com')
    expect(`${message.subject}${message.brandName}`).not.toMatch(/[\p{Cc}\u2028]/u)
  })

  it('cannot be had for a pool that is gone, or without the code', async () => {
    const orphan = createMessageRenderer({ views: engine, catalogue, brandOf: () => undefined })
    await expect(orphan('id-1', verification())).rejects.toMatchObject({ permanent: true })
    const { code: _, ...codeless } = verification()
    await expect(render(codeless)).rejects.toMatchObject({ permanent: true })
  })

  it('of an SMS are one short line', async () => {
    const sms = { medium: 'SMS', recipient: '+15550101234' } as const
    const message = await render(verification(sms))
    expect(message.text).toMatch(/^[^\n]{1,120}: 493817$/)
    expect(message.html).toBeUndefined()
    expect((await render(verification({ ...sms, kind: 'accountExists' }))).text).toContain(acme.signInUrl)
    const invitation = await render(verification({ ...sms, kind: 'invitation', code: 'Temp  Pass1' }))
    expect(invitation.text).toContain('jo / Temp  Pass1 https://')
  })
})

describe('a pool’s own verification texts', () => {
  const own = (overrides: PoolPresentation['overrides']) => ({ ...acme, overrides })
  const presentation = own({
    verificationSubject: 'Hello {username},\r\nBcc: x@example.com',
    verificationMessage:
      '<p>Dear <b>{username}</b>,</p>your code is <a href="https://a.example/?c={####}">{####}</a>&nbsp;&amp; more',
  })

  it('take the place of ours, with the values escaped', async () => {
    const message = await render(verification({ username: '<i>{####}</i>$&' }), presentation)
    expect(message.subject).toBe('Hello <i>{####}</i>$&, Bcc: x@example.com')
    expect(message.html).toContain('<p>Dear <b>&lt;i&gt;{####}&lt;/i&gt;$&amp;</b>,</p>')
    expect(message.html).toContain('<a href="https://a.example/?c=493817">493817</a>')
    expect(message.html).toMatch(/<html lang="en" dir="ltr">/)
    expect(message.text).toBe('Dear <i>{####}</i>$&,\n\nyour code is 493817 (https://a.example/?c=493817) & more')
  })

  it('may be a subject alone, or a whole document', async () => {
    const subjectOnly = await render(verification(), own({ verificationSubject: 'Your {####}' }))
    expect(subjectOnly.subject).toBe('Your 493817')
    expect(subjectOnly.html).toContain('Acme')
    const document = '<!DOCTYPE html><html lang="nl"><body>{####}</body></html>'
    const whole = await render(verification(), own({ verificationMessage: document }))
    expect(whole.html).toBe(document.replace('{####}', '493817'))
  })

  it('of a link have texts of their own; whatever the link holds, it stays one address', async () => {
    const link = `https://login.acme.example/confirmUser?client_id=a&user_name=%3Cb%3E&confirmation_code=x"'`
    const byLink = (overrides: PoolPresentation['overrides'], address = link) => {
      const { code: _, ...rest } = verification({ kind: 'verificationLink', link: address, username: '<b>jo</b>' })
      return render(rest, own(overrides))
    }
    const whole = await byLink({
      linkSubject: 'Welcome, {username}',
      linkMessage: '<p>Hi {username}, {##click &amp; go##}.',
    })
    expect(whole.subject).toBe('Welcome, <b>jo</b>')
    const escaped = link.replaceAll('&', '&amp;').replace('"', '&quot;').replace("'", '&#39;')
    expect(whole.html).toContain(`<p>Hi &lt;b&gt;jo&lt;/b&gt;, <a href="${escaped}">click &amp; go</a>.`)
    expect(whole.text).toBe(`Hi <b>jo</b>, click & go (${link}).`)
    const ours = await byLink(
      { verificationSubject: 'Your {####}', verificationMessage: 'Code {####}' },
      'https://a.example/?x=1&y=2',
    )
    expect(ours.subject).toContain('Acme')
    expect(ours.html).toContain('href="https://a.example/?x=1&amp;y=2"')
    expect(ours.text).toContain('https://a.example/?x=1&y=2')
    await expect(render(verification({ kind: 'verificationLink' }))).rejects.toMatchObject({ permanent: true })
  })

  it('are for verification only', async () => {
    const message = await render(verification({ kind: 'reset' }), presentation)
    expect(message.subject).toContain('password')
    expect(message.html).not.toContain('Dear')
  })
})

describe('HTML as plain text', () => {
  it.each([
    ['a<br>b<br/>c', 'a\nb\nc'],
    ['<style>p { color: red }</style><script>alert(1)</script>x<!-- y -->', 'x'],
    ['1 &lt; 2 &#8364; &unknown; 3 < 4', '1 < 2 € &unknown; 3 < 4'],
    ['<a name="x">y</a>', 'y'],
    ['&#55296;&#9999999;', '&#55296;&#9999999;'],
  ])('%s', (html, text) => {
    expect(htmlToText(html)).toBe(text)
  })

  it.each(['<a href=', '<a ', '<', '<!--', '<script', '<br ', ' ', '&#', 'href=a '])(
    'comes to an end, however many %j there are',
    (part) => {
      htmlToText(`<a ${part.repeat(500_000)}`)
    },
  )
})
