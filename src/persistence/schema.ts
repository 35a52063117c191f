import type { ColumnType, Generated } from 'kysely'
import type { Identity } from '../domain/identity-providers/identity-provider.ts'
import type { MfaType } from '../domain/mfa/mfa-type.ts'
import type { FlowState } from '../domain/sessions/flow.ts'
import type { KeyUse, SigningAlgorithm } from '../domain/tokens/signing-key.ts'
import type { UserAttributes, UserStatus } from '../domain/users/user.ts'
import type { VerifiableAttribute } from '../domain/user-pools/user-pool.ts'
import type { CodePurpose } from '../domain/verification-codes/verification-code.ts'
import type { RefusedRow } from '../domain/ports/user-import-repository.ts'
import type { UserIdentifier } from '../domain/ports/new-user.ts'
import type { AuditSchema } from './audit-schema.ts'
import type { SignInSchema } from './sign-in-schema.ts'
import type { TriggerSchema } from './trigger-schema.ts'

/*
 * The tables as the repositories see them; migrations/ makes them. Times are timestamptz. A jsonb column is written as
 * JSON text, because `pg` would turn a JavaScript array into an array literal.
 */

type Json<T> = ColumnType<T, string, string>
type JsonObject = Readonly<Record<string, unknown>>

export interface Schema extends AuditSchema, SignInSchema, TriggerSchema {
  settings_generation: { id: number; generation: number }
  user_pools: UserPoolsTable
  user_pool_domains: { origin: string; user_pool_id: string; position: number }
  app_clients: AppClientsTable
  app_client_secrets: AppClientSecretsTable
  resource_servers: ResourceServersTable
  signing_keys: SigningKeysTable
  users: UsersTable
  user_identifiers: UserIdentifiersTable
  groups: GroupsTable
  group_members: { user_pool_id: string; group_name: string; user_sub: string; created_at: Date }
  verification_codes: VerificationCodesTable
  decoy_sign_ups: DecoySignUpsTable
  decoy_codes: VerificationCodesTable
  attribute_changes: AttributeChangesTable
  rate_limits: { key: string; points: number; expire: number | null }
  known_browsers: { user_pool_id: string; user_sub: string; browser_hash: string; last_used_at: Date }
  flows: FlowsTable
  browser_sessions: BrowserSessionsTable
  interactions: InteractionsTable
  authorization_codes: AuthorizationCodesTable
  grants: GrantsTable
  refresh_tokens: RefreshTokensTable
  consents: ConsentsTable
  outbox: OutboxTable
  user_imports: UserImportsTable
  mailbox_messages: { id: string; sealed_message: string; created_at: Date }
}

interface UserPoolsTable {
  id: string
  name: string
  version: Generated<number>
  is_default: boolean
  issuer: string
  issuer_follows_public_url: boolean
  settings: Json<JsonObject>
  triggers: Json<JsonObject>
  event_webhooks: Json<readonly JsonObject[]>
  identity_providers: Json<readonly JsonObject[]>
  password_forms: Generated<string[]>
  created_at: Date
  updated_at: Date
}

interface AppClientsTable {
  user_pool_id: string
  id: string
  name: string
  settings: Json<JsonObject>
  created_at: Date
  updated_at: Date
}

interface AppClientSecretsTable {
  user_pool_id: string
  client_id: string
  id: string
  sealed_secret: string
  added: boolean
  created_at: Date
}

interface ResourceServersTable {
  user_pool_id: string
  identifier: string
  name: string
  scopes: Json<readonly { name: string; description: string }[]>
  created_at: Date
  updated_at: Date
}

interface SigningKeysTable {
  user_pool_id: string
  kid: string
  use: KeyUse
  algorithm: SigningAlgorithm
  public_jwk: Json<JsonObject>
  sealed_private_key: string | null
  created_at: Date
  active_at: Date
  predecessor: string
}

interface UsersTable {
  user_pool_id: string
  sub: string
  username: string
  username_key: string
  status: UserStatus
  enabled: boolean
  attributes: Json<UserAttributes>
  password_hash: string | null
  password_form: ColumnType<string | null, string | null | undefined, string | null>
  temporary_password_expires_at: Date | null
  signed_out_at: Date | null
  mfa_types: ColumnType<MfaType[], readonly MfaType[] | undefined, readonly MfaType[]>
  preferred_mfa: MfaType | null
  has_passkeys: ColumnType<boolean, boolean | undefined, boolean>
  identities: ColumnType<readonly Identity[] | null, string | null | undefined, string | null>
  created_at: Date
  updated_at: Date
}

interface UserImportsTable {
  user_pool_id: string
  file_hash: string
  rows_done: number
  imported: number
  refused: number
  latest_refused: Json<readonly RefusedRow[]>
  started_at: Date
  finished_at: Date | null
}

interface UserIdentifiersTable {
  user_pool_id: string
  key: string
  kind: UserIdentifier['kind']
  user_sub: string
}

interface GroupsTable {
  user_pool_id: string
  name: string
  description: string | null
  precedence: number | null
  role_arn: string | null
  created_at: Date
  updated_at: Date
}

interface VerificationCodesTable {
  user_pool_id: string
  user_sub: string
  purpose: CodePurpose
  attribute: VerifiableAttribute
  destination: string
  code_hash: string
  attempts: number
  spent_by_attempt: number | null
  sent_at: Date
  expires_at: Date
  browser_hash: string | null
  sealed_flow_id: string | null
}

interface DecoySignUpsTable {
  user_pool_id: string
  key: string
  sub: string
  kind: VerifiableAttribute
  address: string
  password_hash: string
  attributes_digest: string
  attribute: VerifiableAttribute | null
  destination: string | null
  created_at: Date
}

interface AttributeChangesTable {
  user_pool_id: string
  user_sub: string
  attribute: VerifiableAttribute
  value: string
  expires_at: Date
}

interface FlowsTable {
  user_pool_id: string
  id_hash: string
  client_id: string
  sealed_interaction_uid: string
  browser_hash: string
  state: Json<FlowState>
  expires_at: Date
  finished_at: Date | null
}

interface BrowserSessionsTable {
  user_pool_id: string
  uid: string
  id_hash: string
  user_sub: string | null
  auth_time: Date | null
  amr: readonly string[]
  acr: string | null
  authorizations: Json<JsonObject>
  transient: boolean
  remembered: boolean
  last_used_at: Date | null
  expires_at: Date
  address: string | null
  user_agent: string | null
}

interface InteractionsTable {
  user_pool_id: string
  id_hash: string
  payload: Json<JsonObject>
  expires_at: Date
}

interface AuthorizationCodesTable {
  user_pool_id: string
  code_hash: string
  client_id: string
  user_sub: string
  redirect_uri: string
  scope: string
  nonce: string | null
  code_challenge: string | null
  resource: string | null
  auth_time: Date
  amr: readonly string[]
  acr: string | null
  session_uid: string | null
  expires_at: Date
  consumed_at: Date | null
  grant_id: string | null
}

interface GrantsTable {
  user_pool_id: string
  id: string
  client_id: string
  user_sub: string
  scope: string
  resource: string | null
  auth_time: Date
  amr: readonly string[]
  acr: string | null
  event_id: string
  session_uid: string | null
  created_at: Date
  expires_at: Date
  revoked_at: Date | null
}

interface RefreshTokensTable {
  user_pool_id: string
  token_hash: string
  grant_id: string
  created_at: Date
  consumed_at: Date | null
}

interface ConsentsTable {
  user_pool_id: string
  user_sub: string
  client_id: string
  scopes: readonly string[]
  created_at: Date
  updated_at: Date
}

interface OutboxTable {
  id: string
  user_pool_id: string
  sealed_message: string | null
  attempts: Generated<number>
  created_at: Date
  due_at: Date | null
  sent_at: Date | null
  dead_at: Date | null
  last_error: string | null
}
