import { buildDecrypt } from '@aws-crypto/decrypt-node'
import { RawRsaKeyringNode } from '@aws-crypto/raw-rsa-keyring-node'
import { constants, generateKeyPairSync } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { startTriggerReceiver } from './trigger-receiver.ts'
import type { ReceivedEvent } from './trigger-receiver.ts'

/* One function of a user pool, reached in two ways. */

const { publicKey, privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
})
const keyring = new RawRsaKeyringNode({
  keyNamespace: 'latchkey',
  keyName: 'custom-sender',
  rsaKey: { privateKey },
  padding: constants.RSA_PKCS1_OAEP_PADDING,
  oaepHash: 'sha256',
})
const decrypted = async (sealed: unknown) =>
  (await buildDecrypt().decrypt(keyring, Buffer.from(String(sealed), 'base64'))).plaintext.toString('utf8')

/** Where a pool's functions are, and what they have been asked. */
export interface Transport {
  hook: object
  /** What a sender needs beside it. */
  sending: object
  events(): Promise<readonly ReceivedEvent[]>
  open(code: unknown): Promise<string>
  stop(): Promise<void>
}

/** Its words, where words are asked for; a sender's answer is not read. The module is made of its text. */
function answer(event: ReceivedEvent): ReceivedEvent {
  const { triggerSource, request, response } = event
  if (triggerSource.startsWith('CustomMessage')) {
    const text = `${triggerSource} ${String(request['codeParameter'])} ${String(request['usernameParameter'])}`
    Object.assign(response, { emailSubject: triggerSource, emailMessage: text, smsMessage: text })
  }
  if (triggerSource.startsWith('TokenGeneration')) {
    response['claimsOverrideDetails'] = { claimsToAddOrOverride: { asked: triggerSource } }
  }
  if (triggerSource.startsWith('DefineAuthChallenge')) {
    const session = request['session'] as { challengeResult: boolean }[]
    const isOver = session.some(({ challengeResult }) => challengeResult)
    Object.assign(response, isOver ? { issueTokens: true } : { issueTokens: false, challengeName: 'CUSTOM_CHALLENGE' })
  }
  if (triggerSource.startsWith('CreateAuthChallenge')) {
    response['publicChallengeParameters'] = { prompt: 'What is the answer?' }
    response['privateChallengeParameters'] = { answer: '42' }
  }
  if (triggerSource.startsWith('VerifyAuthChallenge')) response['answerCorrect'] = request['challengeAnswer'] === '42'
  return event
}

export async function byHttp(): Promise<Transport> {
  const receiver = await startTriggerReceiver()
  receiver.react({ '*': answer })
  return {
    hook: {
      Webhook: receiver.url,
      Secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
      AllowPrivateAddresses: true,
      Retries: 0,
    },
    sending: { PublicKey: publicKey },
    events: async () => receiver.received.map(({ event }) => event),
    open: decrypted,
    stop: () => receiver.stop(),
  }
}

export async function byModule(): Promise<Transport> {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-module-'))
  const heard = join(folder, 'heard.jsonl')
  await writeFile(heard, '')
  const file = join(folder, 'function.mjs')
  await writeFile(
    file,
    `import { appendFileSync } from 'node:fs'
     export const handler = async (event) => {
       appendFileSync(new URL(${JSON.stringify(pathToFileURL(heard).href)}), JSON.stringify(event) + '\\n')
       return answer(event)
     }
     ${answer.toString()}`,
  )
  return {
    hook: { Module: file, Retries: 0 },
    sending: {},
    events: async () =>
      (await readFile(heard, 'utf8'))
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as ReceivedEvent),
    open: async (code) => String(code),
    stop: () => rm(folder, { recursive: true }),
  }
}
