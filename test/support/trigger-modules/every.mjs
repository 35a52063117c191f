/* One function for all triggers, as many a team has it. What it does can be told from outside. */
export const handler = async (event) => {
  const { request, response, triggerSource } = event
  switch (triggerSource.split('_')[0]) {
    case 'PreSignUp':
      if (request.userAttributes.email?.startsWith('no-')) throw new Error('Not by PreSignUp.')
      break
    case 'PostConfirmation':
      if (request.userAttributes.email?.startsWith('late-')) throw new Error(`Not by ${triggerSource}.`)
      break
    case 'CustomMessage':
      response.emailSubject = triggerSource
      response.emailMessage = `${triggerSource}: ${request.codeParameter} ${request.usernameParameter ?? ''}`
      break
    case 'UserMigration':
      if (request.password !== '' && request.password !== 'Analytical-1843') throw new Error('Wrong there as well.')
      response.userAttributes = { email: event.userName, email_verified: 'true' }
      response.finalUserStatus = 'CONFIRMED'
      break
    case 'CustomSMSSender':
      throw new Error(`${triggerSource} ${request.code.length}`)
  }
  return event
}
