import { kit, sample, type Sample, type SampleSurroundings } from './sample-kit.ts'

/** As long as they are. */
export const linkOfMail = `https://login.example.com/confirmUser?${new URLSearchParams({
  client_id: '1example',
  user_name: 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee',
  confirmation_code: 'c29tZXRoaW5nIHJhbmRvbQc2lnbmVkIGJ5IHVzIGFsb25l',
}).toString()}`

export const resetLinkOfMail = `https://login.example.com/resetLink?${new URLSearchParams({
  client_id: '1example',
  user: 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee',
  expires: '1795780800',
  signature: 'c2lnbmVkIGJ5IHVzIGFsb25lLCBhbmQgbm9ib2R5IGVsc2U',
}).toString()}`

/** The pages of a sign-up that is confirmed by a link. */
export function linkSamples(surroundings: SampleSurroundings): Sample[] {
  const { locale } = surroundings
  const { page, password, alert, foreign } = kit(surroundings)
  const destination = foreign('a***@e***.com')
  const sent = (seconds: number) => ({
    ...page('confirmLink', { seconds }),
    form: { action: '/confirm', csrf: 'csrf-token', flow: 'flow-id' },
    destination,
    links: { startOver: '/signup' },
    resend: {
      action: '/resend',
      waitSeconds: seconds,
      available: true,
      countdown: locale.countdown('confirmLink.resendWait', seconds),
    },
  })
  const followed = {
    ...page('confirmUser'),
    form: { action: '/confirmUser', csrf: 'csrf-token' },
    hidden: [{ name: 'user_name', value: foreign('ada') }],
    destination,
    username: { value: foreign('ada.lovelace@example.com') },
    links: {},
  }
  const choose = { links: { choose: '/confirmUser?choose=password' } }
  const back = { links: { back: '/confirmUser' } }
  const failed = alert('error', 'outcomes.checkFields')
  return [
    sample('pages/confirm-link', 'waiting', sent(28)),
    sample('pages/confirm-link', 'resent', {
      ...sent(30),
      ...alert('success', 'outcomes.linkResent', { destination }),
    }),
    sample('pages/confirm-link', 'too-early', { ...sent(0), ...alert('error', 'outcomes.notConfirmedYet') }),
    sample('pages/confirm-user', 'same-browser', followed),
    sample('pages/confirm-user', 'password', { ...followed, ...choose, password: {} }),
    sample('pages/confirm-user', 'wrong-password', {
      ...followed,
      ...choose,
      ...failed,
      password: { error: locale.text('confirmUser.passwordWrong') },
    }),
    sample('pages/confirm-user', 'new-password', { ...followed, ...back, newPassword: password() }),
    sample('pages/confirm-user', 'new-password-refused', {
      ...followed,
      ...back,
      ...failed,
      newPassword: password('fieldErrors.passwordRules'),
    }),
    sample('pages/reset-link', 'first', {
      ...page('resetLink'),
      form: { action: '/resetLink', csrf: 'csrf-token' },
      hidden: [{ name: 'user', value: foreign('ada') }],
      username: { value: foreign('ada.lovelace@example.com') },
      password: password(),
    }),
    sample('pages/reset-link', 'refused', {
      ...page('resetLink'),
      ...failed,
      form: { action: '/resetLink', csrf: 'csrf-token' },
      hidden: [],
      username: { value: foreign('ada.lovelace@example.com') },
      password: password('fieldErrors.passwordBreached'),
    }),
    sample('pages/confirmed-user', 'with-link', { ...page('confirmedUser'), links: { login: '/login' } }),
    sample('pages/confirmed-user', 'reset-done', { ...page('resetDone'), links: { login: '/login' } }),
    sample('pages/confirmed-user', 'deleted', { ...page('accountDeleted'), links: { login: '/' } }),
    sample('pages/confirmed-user', 'bare', { ...page('confirmedUser'), links: {} }),
  ]
}
