import dns from 'node:dns'

/** Lets this process reach names such as `login.localhost`, which browsers lead to the machine itself and resolvers do not. */
export function reachLocalhostNames(): void {
  const lookup = dns.lookup
  const named = (hostname: string, ...rest: unknown[]): void => {
    const local = /\.localhost\.?$/.test(hostname) ? '127.0.0.1' : hostname
    Reflect.apply(lookup, dns, [local, ...rest])
  }
  dns.lookup = Object.assign(named, lookup)
}
