import ipaddr from 'ipaddr.js'

/** Longer chains of proxies are nobody's: what stands further left is not read. */
const maximumHops = 20

/**
 * Makes the one reader of visitors' addresses. What X-Forwarded-For says counts only as far as trusted proxies have said
 * it, read from the right; with none configured it says nothing at all (threat rows B8, F8).
 * @param trustedProxies IP addresses and CIDR ranges, checked by the configuration
 * @returns the address in its canonical spelling: `::ffff:192.0.2.1` and `192.0.2.1` are one
 */
export function createAddressReader(
  trustedProxies: readonly string[],
): (peer: string | undefined, forwardedFor: string | undefined) => string | undefined {
  const isTrusted = trustIn(trustedProxies)
  return (peer, forwardedFor) => {
    let address = parse(peer)
    const hops = forwardedFor === undefined ? [] : forwardedFor.split(',').slice(-maximumHops).toReversed()
    for (const hop of hops) {
      if (address === undefined || !isTrusted(address)) break
      const before = parse(hop.trim())
      // Whatever a trusted proxy passed on that is no address: the proxy itself is the last one known.
      if (before === undefined) break
      address = before
    }
    return address?.toString()
  }
}

/** Whether the other end of a connection is a trusted proxy itself. */
export function createProxyCheck(trustedProxies: readonly string[]): (peer: string | undefined) => boolean {
  const isTrusted = trustIn(trustedProxies)
  return (peer) => {
    const address = parse(peer)
    return address !== undefined && isTrusted(address)
  }
}

function trustIn(trustedProxies: readonly string[]): (address: Address) => boolean {
  const ranges = trustedProxies.map(parseRange)
  return (address) =>
    ranges.some(([network, bits]) => network.kind() === address.kind() && matches(address, network, bits))
}

/**
 * What limits count as one visitor: an IPv4 address, or the /64 that an IPv6 subscriber chooses addresses from at will
 * (RFC 6177; threat row B8).
 * @param address as `createAddressReader` gives it
 */
export function networkOf(address: string): string {
  const parsed = ipaddr.parse(address)
  if (parsed.kind() === 'ipv4') return address
  const [a, b, c, d] = (parsed as ipaddr.IPv6).parts
  return `${new ipaddr.IPv6([a ?? 0, b ?? 0, c ?? 0, d ?? 0, 0, 0, 0, 0]).toString()}/64`
}

type Address = ipaddr.IPv4 | ipaddr.IPv6

function parse(text: string | undefined): Address | undefined {
  if (text === undefined) return undefined
  // Some proxies write a port behind the address, and IPv6 in brackets.
  const bare = /^\[([^\]]+)\](?::\d+)?$/.exec(text)?.[1] ?? /^([\d.]+):\d+$/.exec(text)?.[1] ?? text
  const zoneless = bare.replace(/%.*$/, '')
  if (ipaddr.IPv4.isValidFourPartDecimal(zoneless)) return ipaddr.IPv4.parse(zoneless)
  if (!zoneless.includes(':') || !ipaddr.IPv6.isValid(zoneless)) return undefined
  const address = ipaddr.IPv6.parse(zoneless)
  return address.isIPv4MappedAddress() ? address.toIPv4Address() : address
}

function parseRange(text: string): readonly [Address, number] {
  const [network = '', bits] = text.split('/')
  const address = parse(network)
  if (address === undefined) throw new TypeError(`not an IP address or CIDR range: ${text}`)
  const whole = address.kind() === 'ipv4' ? 32 : 128
  // A range of mapped addresses (::ffff:10.0.0.0/104) is one of IPv4.
  const mapped = network.includes(':') && address.kind() === 'ipv4'
  return [address, bits === undefined ? whole : Math.max(0, Number(bits) - (mapped ? 96 : 0))]
}

const matches = (address: Address, network: Address, bits: number): boolean =>
  address.kind() === 'ipv4'
    ? (address as ipaddr.IPv4).match(network, bits)
    : (address as ipaddr.IPv6).match(network, bits)
