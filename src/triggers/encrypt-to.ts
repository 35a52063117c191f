import { constants } from 'node:crypto'

/** By these the receiver's raw RSA keyring finds its key. */
const keyNamespace = 'latchkey'
const keyName = 'custom-sender'

/** See `TriggerRunner.encrypt`: RSA-OAEP with SHA-256 around the data key, key commitment as the SDK has it by default. */
export async function encryptTo(
  publicKey: string,
  text: string,
  context: Readonly<Record<string, string>>,
): Promise<string> {
  // Loaded where there is a sender at all.
  const [{ buildEncrypt }, { RawRsaKeyringNode }] = await Promise.all([
    import('@aws-crypto/encrypt-node'),
    import('@aws-crypto/raw-rsa-keyring-node'),
  ])
  const { encrypt } = buildEncrypt()
  const padding = constants.RSA_PKCS1_OAEP_PADDING
  const keyring = new RawRsaKeyringNode({ keyName, keyNamespace, rsaKey: { publicKey }, padding, oaepHash: 'sha256' })
  const { result } = await encrypt(keyring, text, { encryptionContext: { ...context } })
  return result.toString('base64')
}
