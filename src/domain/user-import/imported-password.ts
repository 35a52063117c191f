import { importedHashText, parseImportedHash } from '../../security/imported-hash.ts'

/* Password hashes as other places write them, brought to the one form in which they are stored. */

/**
 * @param text bcrypt (`$2b$…`), argon2 (`$argon2id$…`), scrypt and PBKDF2 as Cognito's imports, passlib, Django and Werkzeug
 * write them, or one of our own exports
 * @returns undefined for what is none of these, or costs more than a server may spend on a check
 */
export function storedHash(text: string): string | undefined {
  for (const read of readers) {
    const found = read(text)
    if (found !== undefined && parseImportedHash(found) !== undefined) return found
  }
  return undefined
}

/** What a Firebase project tells of its hashes (Authentication, Password hash parameters). */
export interface FirebaseHashParameters {
  signerKey: Buffer
  saltSeparator: Buffer
  rounds: number
  memoryCost: number
}

/**
 * A hash of Firebase's. It is the project's signer key, encrypted with what scrypt makes of the password: without the signer
 * key, which everybody's hash would give away, there is left the key stream, and that tells as much of the password.
 */
export function firebaseHash(parameters: FirebaseHashParameters, salt: string, hash: string): string | undefined {
  const { signerKey, saltSeparator, rounds, memoryCost } = parameters
  const bytes = bytesOf(hash)
  if (bytes.length !== signerKey.length) return undefined
  const stream = bytes.map((byte, index) => byte ^ (signerKey[index] ?? 0))
  const whole = Buffer.concat([bytesOf(salt), saltSeparator])
  const text = importedHashText('firebase-scrypt', `ln=${memoryCost},r=${rounds}`, whole, Buffer.from(stream))
  return parseImportedHash(text) === undefined ? undefined : text
}

type Reader = (text: string) => string | undefined

const readers: readonly Reader[] = [
  // As it is stored; and what Django puts before its own.
  (text) =>
    text
      .replace(/^bcrypt\$(?=\$2)/, '')
      .replace(/^argon2(?=\$argon2)/, '')
      .replaceAll('=$', '$')
      .replace(/=+$/, ''),
  cognitoScrypt,
  passlibPbkdf2,
  djangoPbkdf2,
  werkzeug,
]

/** Cognito's SCRYPT: `N$r$p$saltHex$hashHex`. */
function cognitoScrypt(text: string): string | undefined {
  const [, N, r, p, salt, hash] = /^(\d+)\$(\d+)\$(\d+)\$([\da-f]*)\$([\da-f]+)$/i.exec(text) ?? []
  if (salt === undefined || hash === undefined) return undefined
  return scryptText(Number(N), Number(r), Number(p), Buffer.from(salt, 'hex'), Buffer.from(hash, 'hex'))
}

function scryptText(N: number, r: number, p: number, salt: Buffer, hash: Buffer): string | undefined {
  const ln = Math.log2(N)
  return Number.isInteger(ln) ? importedHashText('scrypt', `ln=${ln},r=${r},p=${p}`, salt, hash) : undefined
}

/** Cognito's PBKDF2_SHA256 and passlib's: `$pbkdf2-sha256$iterations$salt$hash`, with a `.` for each `+`. */
function passlibPbkdf2(text: string): string | undefined {
  const [, digest = 'sha1', iterations, salt, hash] =
    /^\$pbkdf2(?:-(sha1|sha256|sha512))?\$(\d+)\$([^$]*)\$([^$]+)$/.exec(text) ?? []
  if (salt === undefined || hash === undefined) return undefined
  return importedHashText(`pbkdf2-${digest}`, `i=${Number(iterations)}`, bytesOf(salt), bytesOf(hash))
}

/** Django's: the salt is a text. */
function djangoPbkdf2(text: string): string | undefined {
  const [, digest, iterations, salt, hash] = /^pbkdf2_(sha1|sha256|sha512)\$(\d+)\$([^$]+)\$([^$]+)$/.exec(text) ?? []
  if (salt === undefined || hash === undefined) return undefined
  return importedHashText(`pbkdf2-${digest}`, `i=${Number(iterations)}`, Buffer.from(salt), bytesOf(hash))
}

/** Werkzeug's (Flask): `scrypt:32768:8:1$salt$hex`, `pbkdf2:sha256:600000$salt$hex`; the salt is a text. */
function werkzeug(text: string): string | undefined {
  const [, method, salt = '', hex = ''] = /^((?:scrypt|pbkdf2):[\w:]+)\$([^$]+)\$([\da-f]+)$/.exec(text) ?? []
  if (method === undefined) return undefined
  const [kind, ...cost] = method.split(':')
  const [saltBytes, hash] = [Buffer.from(salt), Buffer.from(hex, 'hex')]
  if (kind === 'scrypt') return scryptText(Number(cost[0]), Number(cost[1]), Number(cost[2]), saltBytes, hash)
  return importedHashText(`pbkdf2-${cost[0]}`, `i=${Number(cost[1])}`, saltBytes, hash)
}

/** Base64 of any kind. */
const bytesOf = (text: string): Buffer => Buffer.from(text.replaceAll('.', '+'), 'base64')
