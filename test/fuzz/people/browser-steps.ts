import fc from 'fast-check'
import { pagePaths } from '../../../src/hosted/paths.ts'
import { often } from '../often.ts'
import { callback, signedOut } from '../server-under-test.ts'
import { authorize, fillIn, followLink, goIn, submit } from './actions.ts'
import type { Way } from './actions.ts'
import { redeemCode } from './app.ts'
import { visit } from './browser.ts'
import { account, asked, askedText, at, filling, fillingText, step, where, whereText } from './step.ts'
import { handleOf } from './world.ts'
import type { AccountName, Browser, FlowNote, Tab, World } from './world.ts'

/* Steps at a browser: of whoever owns an account, and of a stranger who does the same. */

const ownPages = Object.values(pagePaths).filter((path) => path !== pagePaths.logout)

/** Whose flow a request names. */
const flowSources = ['own', 'former', 'other browser', 'none'] as const
const flowSource = fc.oneof(often<(typeof flowSources)[number]>('own', 4), {
  arbitrary: fc.constantFrom(...flowSources),
  weight: 3,
})

function pickFlow(world: World, browser: Browser, source: (typeof flowSources)[number]): FlowNote | undefined {
  const handle = handleOf(world, browser)
  const flows = [...world.flows.values()]
  const own = flows.filter((flow) => flow.handle === handle)
  if (source === 'own') return own.at(-1)
  if (source === 'former') return own.at(-2)
  return source === 'none' ? undefined : flows.findLast((flow) => flow.handle !== handle)
}

function pickCsrf(
  world: World,
  browser: Browser,
  flow: FlowNote | undefined,
  source: (typeof flowSources)[number],
): string {
  const handle = handleOf(world, browser)
  const forms = [...world.forms]
  const isOwn = ([, form]: (typeof forms)[number]): boolean => form.handle === handle && form.subject === flow?.id
  if (source === 'own') return forms.findLast(isOwn)?.[0] ?? ''
  if (source === 'none') return ''
  return forms.findLast((entry) => !isOwn(entry))?.[0] ?? ''
}

export const authorizes = fc
  .tuple(where, asked)
  .map(([place, request]) =>
    step(`${whereText(place)}: an app asks: ${askedText(request)}`, (world) =>
      authorize(world, ...at(world, place), request),
    ),
  )

/** Who signs up has no account, mostly. */
const newcomer = (focus: AccountName) => fc.oneof(often<AccountName>('dora', 4), often(focus, 2))

export const goesIn = (focus: AccountName) =>
  fc
    .tuple(
      where,
      asked,
      fc.oneof(often<Way>('login', 3), often<Way>('signUp', 2), often<Way>('forgotPassword', 2)),
      filling(focus),
      newcomer(focus),
      fc.oneof(often(4, 4), often(1, 1), often(2, 1)),
      fc.boolean(),
    )
    .map(([place, request, way, filled, other, pages, redeems]) => {
      const going = way === 'signUp' ? { ...filled, account: other } : filled
      const text = `${whereText(place)}: ${way} for ${askedText(request)} ${fillingText(going)}, ${pages} pages`
      return step(redeems ? `${text}, and the app its code` : text, async (world) => {
        const before = world.codes.length
        await goIn(world, ...at(world, place), { asked: request, way, filling: going, pages })
        const code = world.codes[before]
        if (redeems && code !== undefined) await redeemCode(world, code, 'right')
      })
    })

/** Whose token a form brings: mostly the one that stands in it. */
const csrfSource = fc.oneof(often<(typeof flowSources)[number]>('own', 8), {
  arbitrary: fc.constantFrom(...flowSources),
  weight: 2,
})

export const submits = (focus: AccountName) =>
  fc.tuple(where, filling(focus), fc.nat(3), csrfSource).map(([place, filled, index, csrfOf]) => {
    const which = index === 0 ? 'the second form' : 'the form'
    const csrf = csrfOf === 'own' ? '' : ` (csrf: ${csrfOf})`
    return step(`${whereText(place)}: sends ${which}${csrf} ${fillingText(filled)}`, async (world) => {
      const [browser, tab] = at(world, place)
      const form = (index === 0 ? tab.page?.forms[1] : undefined) ?? tab.page?.forms[0]
      if (form?.action.origin !== world.server.publicUrl) return
      const flow = world.flows.get(form.fields['flow'] ?? '')
      const token = csrfOf === 'own' ? {} : { _csrf: pickCsrf(world, browser, flow, csrfOf) }
      await submit(world, browser, tab, { ...form, fields: { ...form.fields, ...token } }, filled)
    })
  })

/** More tries than are looked at, and then perhaps the right one. */
export const guesses = (focus: AccountName) =>
  fc.tuple(where, filling(focus), fc.integer({ min: 4, max: 6 })).map(([place, filled, times]) =>
    step(`${whereText(place)}: guesses ${times} times ${fillingText(filled)}`, async (world) => {
      const [browser, tab] = at(world, place)
      for (let tries = 0; tries <= times; tries += 1) {
        const form = tab.page?.forms[0]
        const isCode = form !== undefined && 'code' in form.fields && form.action.origin === world.server.publicUrl
        const knowledge = tries === times ? filled.knowledge : 'wrong'
        if (isCode) await submit(world, browser, tab, form, { ...filled, newPassword: 'Countess-Note-7', knowledge })
      }
    }),
  )

export const posts = (focus: AccountName) =>
  fc
    .tuple(where, fc.constantFrom(...ownPages, '/confirmforgotPassword'), filling(focus), flowSource, flowSource)
    .map(([place, path, filled, flowOf, csrfOf]) =>
      step(
        `${whereText(place)}: posts to ${path} (flow: ${flowOf}, csrf: ${csrfOf}) ${fillingText(filled)}`,
        async (world) => {
          const [browser, tab] = at(world, place)
          const flow = pickFlow(world, browser, flowOf)
          const csrf = pickCsrf(world, browser, flow, csrfOf)
          const fields = { flow: flow?.id ?? '', _csrf: csrf }
          await visit(world, browser, tab, {
            method: 'POST',
            url: `${world.pool.base}${path}?client_id=web`,
            form: fillIn(world, path, fields, filled),
          })
        },
      ),
    )

async function openPage(
  world: World,
  browser: Browser,
  tab: Tab,
  path: string,
  flow: FlowNote | undefined,
): Promise<void> {
  const query = new URLSearchParams({ client_id: 'web', ...(flow === undefined ? {} : { flow: flow.id }) })
  await visit(world, browser, tab, {
    method: 'GET',
    url: `${world.pool.base}${path}?${query.toString()}`,
    form: undefined,
  })
}

export const opens = fc.tuple(where, fc.constantFrom(...ownPages), flowSource).map(([place, path, flowOf]) =>
  step(`${whereText(place)}: opens ${path} (flow: ${flowOf})`, async (world) => {
    const [browser, tab] = at(world, place)
    await openPage(world, browser, tab, path, pickFlow(world, browser, flowOf))
  }),
)

/** A page of the other browser's flow, and what it asks for. */
export const takesOver = (focus: AccountName) =>
  fc.tuple(where, fc.constantFrom(...ownPages), filling(focus)).map(([place, path, filled]) =>
    step(`${whereText(place)}: takes over at ${path} ${fillingText(filled)}`, async (world) => {
      const [browser, tab] = at(world, place)
      await openPage(world, browser, tab, path, pickFlow(world, browser, 'other browser'))
      const form = tab.page?.forms[0]
      if (form?.action.origin === world.server.publicUrl) await submit(world, browser, tab, form, filled)
    }),
  )

export const repeats = fc.tuple(where, fc.nat(15)).map(([place, back]) =>
  step(`${whereText(place)}: repeats the request of ${back + 1} before`, async (world) => {
    const former = world.sent.at(-1 - back)
    if (former !== undefined) await visit(world, ...at(world, place), former)
  }),
)

export const goesBack = where.map((place) =>
  step(`${whereText(place)}: goes back`, async (world) => {
    const [, tab] = at(world, place)
    tab.page = tab.former.pop() ?? tab.page
  }),
)

export const follows = fc.tuple(where, fc.nat(4)).map(([place, index]) =>
  step(`${whereText(place)}: follows link ${index} of the page`, async (world) => {
    const [browser, tab] = at(world, place)
    const links = tab.page?.links ?? []
    const url = links[index % Math.max(1, links.length)]
    if (url !== undefined) await visit(world, browser, tab, { method: 'GET', url, form: undefined })
  }),
)

export const followsMail = (focus: AccountName) =>
  fc
    .tuple(where, account(focus))
    .map(([place, name]) =>
      step(`${whereText(place)}: follows the link in ${name}'s mail`, (world) =>
        followLink(world, ...at(world, place), name),
      ),
    )

const logouts = ['', 'with logout_uri', 'and in again', 'everywhere'] as const

export const logsOut = fc.tuple(where, fc.constantFrom(...logouts), fc.nat(3)).map(([place, kind, index]) =>
  step(`${whereText(place)}: signs out ${kind}`, async (world) => {
    const [browser, tab] = at(world, place)
    const hint = world.families.at(-1 - index)?.idToken ?? ''
    const parameters: Record<string, string> = {
      client_id: 'web',
      ...(kind === 'with logout_uri' ? { logout_uri: signedOut } : {}),
      ...(kind === 'and in again' ? { redirect_uri: callback, response_type: 'code' } : {}),
      ...(kind === 'everywhere'
        ? { client_id: world.families.at(-1 - index)?.client ?? 'web', id_token_hint: hint, global_sign_out: 'true' }
        : {}),
    }
    const url = `${world.pool.base}${pagePaths.logout}?${new URLSearchParams(parameters).toString()}`
    await visit(world, browser, tab, { method: 'GET', url, form: undefined })
  }),
)

export const losesCookie = fc.tuple(where, fc.constantFrom('browser', 'session', 'interaction')).map(([place, kind]) =>
  step(`${place.browser}: loses the ${kind} cookie`, async (world) => {
    const { cookies } = world.browsers[place.browser]
    for (const name of cookies.keys()) if (name.startsWith(`lk_${kind}_`)) cookies.delete(name)
  }),
)
