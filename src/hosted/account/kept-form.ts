import type { Context } from 'koa'
import type { DomainServices } from '../../domain/ports/services.ts'
import type { Tenant } from '../../domain/user-pools/tenant.ts'
import type { User } from '../../domain/users/user.ts'
import { knownBrowserHandle } from '../../oidc/interaction.ts'
import { cookieName, setCookie } from '../../security/cookies.ts'
import { sha256 } from '../../security/digest.ts'
import type { AccountPage } from './account-page.ts'

/*
 * What somebody has typed on a page of their account whose session is over by then: nothing is saved, and it stands there again
 * once they have signed in. It is kept in their browser, sealed, and shown to nobody else: a form says whose it is (threat row
 * E12), or another site could have somebody find its words there.
 */

/** The pages whose forms are more than a button, a code or a password. */
const keptPages: readonly AccountPage[] = ['profile', 'email', 'phone']

const fieldName = '_keep'

const keptSeconds = 15 * 60

/** Browsers take cookies of 4,096 bytes, name and attributes included. */
const longestCookie = 3800

type Services = Pick<DomainServices, 'sealedBox' | 'clock'>

interface Where {
  ctx: Context
  tenant: Tenant
  page: AccountPage
}

/** Whose form it is, in the one browser that got it. */
interface FormOwner {
  userPoolId: string
  page: AccountPage
  userSub: string
  browserHash: string
}

interface KeptForm extends FormOwner {
  fields: Readonly<Record<string, string>>
  /** Milliseconds since 1970. */
  until: number
}

const [ownerPurpose, formPurpose] = ['account form owner', 'kept account form']

/** The hidden field of a form that is worth keeping. */
export function ownerField(
  { sealedBox }: Services,
  { tenant, page, browser, user }: Where & { browser: string; user: User },
): readonly { name: string; value: string }[] {
  if (!keptPages.includes(page)) return []
  const owner: FormOwner = {
    userPoolId: tenant.snapshot.userPool.id,
    page,
    userSub: user.sub,
    browserHash: sha256(browser),
  }
  return [{ name: fieldName, value: sealedBox.seal(JSON.stringify(owner), ownerPurpose) }]
}

/**
 * Keeps a form that came too late; what does not fit in a cookie is lost.
 * @param where.user whoever is signed in by now, if anybody
 * @returns whether a page of ours made it here, and for nobody else
 */
export function keepForm(
  { sealedBox, clock }: Services,
  where: Where & { user?: User },
  form: ReadonlyMap<string, string>,
): boolean {
  const owner = opened<FormOwner>(sealedBox, form.get(fieldName), ownerPurpose)
  if (owner === undefined || !isHere(where, owner)) return false
  if (where.user !== undefined && where.user.sub !== owner.userSub) return false
  const fields = Object.fromEntries([...form].filter(([name]) => !name.startsWith('_')))
  const kept: KeptForm = { ...owner, fields, until: clock.now().getTime() + keptSeconds * 1000 }
  const value = sealedBox.seal(JSON.stringify(kept), formPurpose)
  if (value.length <= longestCookie) set(where, value, keptSeconds)
  return true
}

/** What was kept of this page's form for whoever sees it now; it is forgotten with this. */
export function takeKeptForm(
  { sealedBox, clock }: Services,
  where: Where & { user: User },
): Readonly<Record<string, string>> | undefined {
  const value = where.ctx.cookies.get(nameOf(where), { signed: false })
  if (value === undefined) return undefined
  set(where, '', 0)
  const kept = opened<KeptForm>(sealedBox, value, formPurpose)
  const isTheirs = kept !== undefined && isHere(where, kept) && kept.userSub === where.user.sub
  return isTheirs && kept.until > clock.now().getTime() ? kept.fields : undefined
}

function isHere({ ctx, tenant, page }: Where, owner: FormOwner): boolean {
  const browser = knownBrowserHandle(tenant, ctx)
  return (
    browser !== undefined &&
    owner.browserHash === sha256(browser) &&
    owner.userPoolId === tenant.snapshot.userPool.id &&
    owner.page === page
  )
}

/** Sealed by us: what opens is what it says. */
function opened<T>(sealedBox: Services['sealedBox'], sealed: string | undefined, purpose: string): T | undefined {
  try {
    return sealed === undefined ? undefined : (JSON.parse(sealedBox.open(sealed, purpose)) as T)
  } catch {
    return undefined
  }
}

const nameOf = ({ tenant: { snapshot, secure } }: Where): string => cookieName('kept', snapshot.userPool.id, secure)

const set = (where: Where, value: string, maxAgeSeconds: number): void =>
  setCookie(where.ctx, nameOf(where), value, { secure: where.tenant.secure, maxAgeSeconds })
