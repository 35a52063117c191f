import { unusableSender } from './message-template-settings.ts'

/** Members that ask for protection or behaviour which this release does not give: whoever set them should know. */
export function settingsNotActedOn(settings: Readonly<Record<string, unknown>>): readonly string[] {
  const at = (...path: string[]): unknown =>
    path.reduce<unknown>((value, name) => (value as Record<string, unknown> | undefined)?.[name], settings)
  const lambdas = at('LambdaConfig')
  const advanced = at('UserPoolAddOns', 'AdvancedSecurityMode') ?? 'OFF'
  return [
    ...(typeof lambdas === 'object' && lambdas !== null && Object.keys(lambdas).length > 0 ? ['LambdaConfig'] : []),
    ...((at('Policies', 'PasswordPolicy', 'PasswordHistorySize') ?? 0) === 0 ? [] : ['PasswordHistorySize']),
    ...(advanced === 'OFF' ? [] : ['UserPoolAddOns']),
    ...unusableSender(at('EmailConfiguration'), at('SmsConfiguration')),
  ]
}
