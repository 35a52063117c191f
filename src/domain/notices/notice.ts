/** What the owner of an account is told of by mail, since it may have been somebody else. */
export const noticeSubjects = [
  'newBrowser',
  'passwordChanged',
  'factorAdded',
  'factorRemoved',
  'passkeyAdded',
  'passkeyRemoved',
  'recoveryCodesMade',
  'phoneChanged',
  'identityLinked',
  'identityUnlinked',
] as const

export type NoticeSubject = (typeof noticeSubjects)[number]
