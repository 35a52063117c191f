import { load } from 'cheerio'

/** A page as a person without JavaScript sees it. */
export interface VisitedPage {
  url: URL
  status: number
  headers: Headers
  html: string
  /** Visible text, white space folded. */
  text: string
  heading: string
  /** Fills in a form of the page by field names and sends it; `form` picks by its submit button's text. */
  submit(fields: Record<string, string>, form?: string): Promise<VisitedPage>
  /** Presses the button twice. As in a browser, the first answer is thrown away, and the second one followed. */
  submitTwice(fields: Record<string, string>, form?: string): Promise<VisitedPage>
  /** Follows the link with this text. */
  follow(text: string): Promise<VisitedPage>
  /** Value of a form field as shown. */
  field(name: string): string | undefined
}

export interface UserAgent {
  visit(url: string, init?: RequestInit): Promise<VisitedPage>
  cookies: Map<string, string>
  /** One request without following redirects. */
  request(url: string, init?: RequestInit): Promise<Response>
}

/**
 * A browser without script: keeps cookies (one host at a time), follows redirects, fills in forms. It stops before it
 * leaves `origin`: the page then has the address and no content.
 * @param observe sees every answer, redirects included
 */
export function createUserAgent(
  origin: string,
  headers: Record<string, string> = {},
  observe: (url: string, response: Response) => Promise<void> = async () => {},
): UserAgent {
  const cookies = new Map<string, string>()
  const request = async (url: string, init: RequestInit = {}): Promise<Response> => {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const response = await fetch(url, {
      ...init,
      redirect: 'manual',
      headers: { ...headers, ...(init.headers as object), cookie },
    })
    for (const line of response.headers.getSetCookie()) keepCookie(cookies, line)
    await observe(url, response.clone())
    return response
  }
  const visit = async (url: string, init: RequestInit = {}): Promise<VisitedPage> => {
    let target = new URL(url, origin)
    let response = await request(target.href, init)
    for (let hops = 0; hops < 20; hops += 1) {
      const location = response.headers.get('location')
      if (location === null || response.status < 300 || response.status > 399) break
      target = new URL(location, target)
      if (target.origin !== origin) return elsewhere(target)
      response = await request(target.href)
    }
    return pageFrom(target, response, await response.text(), { visit, request })
  }
  return { visit, cookies, request }
}

function keepCookie(cookies: Map<string, string>, line: string): void {
  const [pair = ''] = line.split(';', 1)
  const name = pair.slice(0, pair.indexOf('='))
  const value = pair.slice(pair.indexOf('=') + 1)
  if (value === '' || /expires=Thu, 01 Jan 1970/i.test(line)) cookies.delete(name)
  else cookies.set(name, value)
}

function pageFrom(
  url: URL,
  response: Response,
  html: string,
  { visit, request }: Pick<UserAgent, 'visit' | 'request'>,
): VisitedPage {
  const $ = load(html)
  const filledIn = (fields: Record<string, string>, label?: string): { address: string; init: RequestInit } => {
    const forms = $('form').toArray()
    const form =
      label === undefined ? forms[0] : forms.find((candidate) => $(candidate).find('button').text().includes(label))
    if (form === undefined) throw new Error(`no such form on ${url.href}: ${html}`)
    const body = new URLSearchParams()
    for (const input of $(form).find('input[name]:not([type="checkbox"]:not([checked]))').toArray()) {
      const name = $(input).attr('name') ?? ''
      body.set(name, fields[name] ?? $(input).attr('value') ?? '')
    }
    // A button with an address of its own sends its name there as well.
    const pressed = $(form)
      .find('button[formaction]')
      .toArray()
      .find((button) => label !== undefined && $(button).text().includes(label))
    const button = pressed && $(pressed)
    if (button !== undefined) body.set(button.attr('name') ?? '', button.attr('value') ?? '')
    for (const [name, value] of Object.entries(fields)) body.set(name, value)
    const action = new URL(button?.attr('formaction') ?? $(form).attr('action') ?? '', url)
    return { address: action.href, init: { method: 'POST', body } }
  }
  $('script, style, svg').remove()
  return {
    url,
    status: response.status,
    headers: response.headers,
    html,
    text: $('body').text().replaceAll(/\s+/g, ' ').trim(),
    heading: $('h1').first().text().trim(),
    submit(fields, label) {
      const { address, init } = filledIn(fields, label)
      return visit(address, init)
    },
    async submitTwice(fields, label) {
      const { address, init } = filledIn(fields, label)
      const [, page] = await Promise.all([request(address, init), visit(address, init)])
      return page
    },
    follow(text) {
      const link = $('a')
        .toArray()
        .find((candidate) => $(candidate).text().includes(text))
      if (link === undefined) throw new Error(`no link ${text} on ${url.href}`)
      return visit(new URL($(link).attr('href') ?? '', url).href)
    },
    field: (name) => $(`input[name="${name}"]`).attr('value'),
  }
}

const elsewhere = (url: URL): VisitedPage => {
  const nothing = (): Promise<VisitedPage> => Promise.reject(new Error(`${url.href} is another site`))
  return {
    url,
    status: 0,
    headers: new Headers(),
    html: '',
    text: '',
    heading: '',
    submit: nothing,
    submitTwice: nothing,
    follow: nothing,
    field: () => undefined,
  }
}
