import type { CDPSession, Page } from 'playwright-core'

/** The authenticator of a device, as Chromium plays one (WebAuthn automation, §11). */
export interface VirtualAuthenticator {
  /** How many passkeys it holds. */
  count(): Promise<number>
  /** Whether the sensor knows the finger that it is shown. */
  answers(willing: boolean): Promise<void>
  /** Another page of the same browser gets the same passkeys, as a synchronised keychain has them. */
  copyTo(page: Page): Promise<VirtualAuthenticator>
  remove(): Promise<void>
}

/** @param options.transport `internal`: built into the device; else a key that is plugged in */
export async function addAuthenticator(
  page: Page,
  options: { transport?: 'internal' | 'usb'; verifiesUser?: boolean } = {},
): Promise<VirtualAuthenticator> {
  const session = await page.context().newCDPSession(page)
  await session.send('WebAuthn.enable', { enableUI: false })
  const { transport = 'internal', verifiesUser = true } = options
  const { authenticatorId } = await session.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport,
      hasResidentKey: true,
      hasUserVerification: verifiesUser,
      isUserVerified: verifiesUser,
      automaticPresenceSimulation: true,
    },
  })
  return authenticatorOf(session, authenticatorId, options)
}

function authenticatorOf(
  session: CDPSession,
  authenticatorId: string,
  options: { transport?: 'internal' | 'usb'; verifiesUser?: boolean },
): VirtualAuthenticator {
  const credentials = async () => (await session.send('WebAuthn.getCredentials', { authenticatorId })).credentials
  return {
    count: async () => (await credentials()).length,
    async answers(willing) {
      await session.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified: willing })
    },
    async copyTo(page) {
      const other = await page.context().newCDPSession(page)
      await other.send('WebAuthn.enable', { enableUI: false })
      const { transport = 'internal', verifiesUser = true } = options
      const added = await other.send('WebAuthn.addVirtualAuthenticator', {
        options: {
          protocol: 'ctap2',
          transport,
          hasResidentKey: true,
          hasUserVerification: verifiesUser,
          isUserVerified: verifiesUser,
          automaticPresenceSimulation: true,
        },
      })
      for (const credential of await credentials()) {
        await other.send('WebAuthn.addCredential', { authenticatorId: added.authenticatorId, credential })
      }
      return authenticatorOf(other, added.authenticatorId, options)
    },
    async remove() {
      await session.send('WebAuthn.removeVirtualAuthenticator', { authenticatorId })
      await session.detach()
    },
  }
}
