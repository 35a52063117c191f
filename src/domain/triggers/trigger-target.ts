/** Cognito's names of triggers (LambdaConfig), as far as this release fires them. */
export const triggerNames = [
  'PreSignUp',
  'PostConfirmation',
  'PreAuthentication',
  'PostAuthentication',
  'DefineAuthChallenge',
  'CreateAuthChallenge',
  'VerifyAuthChallengeResponse',
  'PreTokenGeneration',
  'UserMigration',
  'CustomMessage',
  'CustomEmailSender',
  'CustomSMSSender',
  'InboundFederation',
] as const

export type TriggerName = (typeof triggerNames)[number]

/** Where a trigger's events go, and how long they may take. */
export type TriggerTarget = {
  /** Of one attempt. */
  timeoutMs: number
  /** How often it is asked at most: again only where no answer has come. */
  attempts: number
  /** Cognito's LambdaVersion, which tells the form of PreTokenGeneration's events. */
  version: TriggerVersion
  /** Of senders: PEM, of the RSA key to which codes are encrypted. */
  publicKey?: string
} & (
  | { kind: 'webhook'; url: string; sealedSecrets: readonly string[]; allowPrivateAddresses: boolean }
  /** A file that exports `handler`; relative to the configuration file. */
  | { kind: 'module'; path: string }
  | {
      kind: 'lambda'
      url: string
      allowPrivateAddresses: boolean
      /** Absent: unsigned. */
      credentials?: AwsCredentials
    }
  /** Another user pool, of Cognito: users come over with their first sign-in (UserMigration only). */
  | {
      kind: 'cognito'
      url: string
      userPoolId: string
      clientId: string
      sealedClientSecret?: string
      allowPrivateAddresses: boolean
      /** Of an account that may read its users; absent: who forgets a password or has a second factor there stays there. */
      credentials?: AwsCredentials
    }
)

export interface AwsCredentials {
  accessKeyId: string
  sealedSecretAccessKey: string
  region: string
}

export type TriggerVersion = 'V1_0' | 'V2_0' | 'V3_0'

/** Of a user pool; a trigger that is not there is not fired. */
export type TriggerTargets = Readonly<Partial<Record<TriggerName, TriggerTarget>>>

/** The purpose under which secrets of triggers are sealed. */
export const triggerSecretPurpose = 'trigger secret'
