import { createCipheriv, createDecipheriv, createHmac, hkdfSync } from 'node:crypto'
import type { Random } from '../platform/random.ts'

/**
 * Seals secrets at rest with AES-256-GCM (design decision 13). A sealed text is `v1.<key id>.<base64url of nonce, tag and
 * ciphertext>`; the purpose is authenticated with it, so that a text sealed for one use opens for no other.
 */
export interface SealedBox {
  seal(plaintext: string, purpose: string): string
  /** @throws when the text was not sealed with this secret for this purpose */
  open(sealed: string, purpose: string): string
  /** A keyed digest (HMAC-SHA256, base64url) under a key of its own for each purpose. */
  digest(text: string, purpose: string): string
}

const nonceLength = 12
const tagLength = 16

/** @param secret LATCHKEY_SECRET: at least 32 characters, checked by the configuration */
export function createSealedBox(secret: string, random: Random): SealedBox {
  const keyId = derive(secret, 'key id').subarray(0, 4).toString('hex')
  const keys = new Map<string, Buffer>()
  const keyFor = (purpose: string): Buffer => {
    const known = keys.get(purpose)
    if (known !== undefined) return known
    const key = derive(secret, purpose)
    keys.set(purpose, key)
    return key
  }
  return {
    seal(plaintext, purpose) {
      const nonce = random.bytes(nonceLength)
      const cipher = createCipheriv('aes-256-gcm', keyFor(`seal ${purpose}`), nonce)
      const ciphertext = Buffer.concat([cipher.update(plaintext, 'utf8'), cipher.final()])
      return `v1.${keyId}.${Buffer.concat([nonce, cipher.getAuthTag(), ciphertext]).toString('base64url')}`
    },
    open(sealed, purpose) {
      const [version, sealedWith, body, ...rest] = sealed.split('.')
      if (version !== 'v1' || body === undefined || rest.length > 0) throw new Error('not a sealed text')
      if (sealedWith !== keyId) {
        throw new Error('LATCHKEY_SECRET is not the one that this database was sealed with')
      }
      const bytes = Buffer.from(body, 'base64url')
      // Decoding skips over what is not base64url; one sealed text has one form.
      if (bytes.length < nonceLength + tagLength || bytes.toString('base64url') !== body) {
        throw new Error('not a sealed text')
      }
      const decipher = createDecipheriv('aes-256-gcm', keyFor(`seal ${purpose}`), bytes.subarray(0, nonceLength), {
        authTagLength: tagLength,
      })
      decipher.setAuthTag(bytes.subarray(nonceLength, nonceLength + tagLength))
      return Buffer.concat([decipher.update(bytes.subarray(nonceLength + tagLength)), decipher.final()]).toString(
        'utf8',
      )
    },
    digest: (text, purpose) =>
      createHmac('sha256', keyFor(`digest ${purpose}`))
        .update(text)
        .digest('base64url'),
  }
}

/** RFC 5869; the secret is already uniformly random, the salt fixed. */
const derive = (secret: string, info: string): Buffer =>
  Buffer.from(hkdfSync('sha256', secret, 'latchkey', `latchkey ${info}`, 32))
