import type { CodeMfaType } from '../domain/mfa/mfa-type.ts'
import type { ChallengeName } from '../domain/sign-in/sign-in-attempt.ts'

/** Tables of sign-ins under way and of second factors, on the same terms as the others (schema.ts). */
export interface SignInSchema {
  sign_in_attempts: SignInAttemptsTable
  custom_sign_ins: CustomSignInsTable
  software_tokens: SoftwareTokensTable
  guess_counters: GuessCountersTable
  passkeys: PasskeysTable
  user_identities: UserIdentitiesTable
  devices: DevicesTable
  used_once: { user_pool_id: string; hash: string; expires_at: Date }
  recovery_codes: { user_pool_id: string; user_sub: string; code_hash: string; created_at: Date }
}

interface SignInAttemptsTable {
  user_pool_id: string
  id_hash: string
  client_id: string
  user_sub: string
  challenge: ChallengeName
  amr: readonly string[]
  started_at: Date
  expires_at: Date
  code_hash: string | null
  destination: string | null
  code_sent_at: Date | null
  setting_up: CodeMfaType | null
  sealed_secret: string | null
}

interface CustomSignInsTable {
  user_pool_id: string
  id_hash: string
  client_id: string
  user_sub: string | null
  sealed_state: string
  started_at: Date
  expires_at: Date
}

interface PasskeysTable {
  user_pool_id: string
  user_sub: string
  id: string
  rp_id: string
  public_key: string
  counter: number
  transports: readonly string[]
  is_platform: boolean
  name: string
  created_at: Date
  last_used_at: Date | null
}

interface DevicesTable {
  user_pool_id: string
  user_sub: string
  device_key: string
  secret_hash: string
  user_agent: string | null
  address: string | null
  created_at: Date
  last_used_at: Date
  expires_at: Date
}

interface SoftwareTokensTable {
  user_pool_id: string
  user_sub: string
  id: string
  sealed_secret: string
  last_time_step: number
  created_at: Date
  last_used_at: Date
}

interface UserIdentitiesTable {
  user_pool_id: string
  provider_name: string
  issuer: string
  subject: string
  user_sub: string
}

interface GuessCountersTable {
  user_pool_id: string
  bucket: string
  failures: number
  last_failed_at: Date
  locked_until: Date | null
  day_failures: number
  day_began_at: Date
  expires_at: Date
}
