export const handler = async (event) => {
  const { email } = event.request.userAttributes
  if (email.endsWith('@blocked.example')) throw new Error('This address is on our list.')
  if (email.startsWith('known-')) {
    event.response.autoConfirmUser = true
    event.response.autoVerifyEmail = true
  }
  return event
}
