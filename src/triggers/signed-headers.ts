import { AwsClient } from 'aws4fetch'
import { triggerSecretPurpose } from '../domain/triggers/trigger-target.ts'
import type { AwsCredentials } from '../domain/triggers/trigger-target.ts'
import type { SealedBox } from '../security/sealed-box.ts'

/** The headers of a POST with AWS's Signature Version 4. */
export async function signedHeaders(
  sealedBox: SealedBox,
  { accessKeyId, sealedSecretAccessKey, region }: AwsCredentials,
  service: 'lambda' | 'cognito-idp',
  request: { url: string; headers: Readonly<Record<string, string>>; body: string },
): Promise<Record<string, string>> {
  const secretAccessKey = sealedBox.open(sealedSecretAccessKey, triggerSecretPurpose)
  const client = new AwsClient({ accessKeyId, secretAccessKey, region, service, retries: 0 })
  const { url, headers, body } = request
  const signed = await client.sign(url, { method: 'POST', headers, body })
  return Object.fromEntries(signed.headers)
}
