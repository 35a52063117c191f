/* As AWS's samples have them: one function for all three triggers, callbacks, and the session read from its end. */
exports.handler = (event, context, callback) => {
  const { session } = event.request
  switch (event.triggerSource) {
    case 'DefineAuthChallenge_Authentication':
      if (session.length === 1 && session[0].challengeName === 'SRP_A') {
        event.response.issueTokens = false
        event.response.failAuthentication = false
        event.response.challengeName = 'PASSWORD_VERIFIER'
      } else if (
        session.length === 2 &&
        session[1].challengeName === 'PASSWORD_VERIFIER' &&
        session[1].challengeResult
      ) {
        event.response.issueTokens = false
        event.response.failAuthentication = false
        event.response.challengeName = 'CUSTOM_CHALLENGE'
      } else if (
        session.length === 3 &&
        session[2].challengeName === 'CUSTOM_CHALLENGE' &&
        session[2].challengeResult
      ) {
        event.response.issueTokens = true
        event.response.failAuthentication = false
      } else {
        event.response.issueTokens = false
        event.response.failAuthentication = true
      }
      break
    case 'CreateAuthChallenge_Authentication':
      event.response.publicChallengeParameters = {
        captchaUrl: 'https://images.example/123.jpg',
        question: 'What do you read?',
      }
      event.response.privateChallengeParameters = { answer: '5' }
      event.response.challengeMetadata = 'CAPTCHA_CHALLENGE'
      break
    case 'VerifyAuthChallengeResponse_Authentication':
      event.response.answerCorrect = event.request.privateChallengeParameters.answer === event.request.challengeAnswer
      break
  }
  callback(null, event)
}
