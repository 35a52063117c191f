// In the style of AWS's older samples.
exports.handler = (event, context, callback) => {
  if (event.triggerSource === 'PostAuthentication_Authentication') return context.succeed(event)
  if (event.request.userAttributes.email === 'late@example.com') return callback('Come back tomorrow')
  callback(null, event)
}
