/* Header lines that attackers send, for servers that believe them, stumble over them, or take them for another request. */

const evil = 'evil.example'

/** Those by which proxies tell where a request came from and where it went: nothing to be believed by itself. */
export const forwardingHeaders: readonly (readonly string[])[] = [
  ['X-Forwarded-Host: evil.example'],
  ['X-Forwarded-Host: evil.example, localhost'],
  ['X-Forwarded-Host: evil.example', 'X-Forwarded-Host: evil.example'],
  ['X-Forwarded-Host: evil.example:443@localhost'],
  ['X-Forwarded-Proto: https'],
  ['X-Forwarded-Proto: javascript'],
  ['X-Forwarded-Proto: https, http', 'X-Forwarded-Port: 8443'],
  ['X-Forwarded-Protocol: https'],
  ['X-Forwarded-Ssl: on'],
  ['X-Forwarded-Scheme: https'],
  ['Front-End-Https: on'],
  ['X-Scheme: https'],
  ['X-Url-Scheme: https'],
  ['X-Forwarded-Port: 1'],
  ['X-Forwarded-Prefix: /evil.example'],
  ['X-Forwarded-Path: //evil.example'],
  ['X-Forwarded-Server: evil.example'],
  ['X-Forwarded-For: a'],
  ['X-Forwarded-For: 127.0.0.1, ::1, unknown, _hidden'],
  ['X-Forwarded-For: evil.example'],
  ['X-Forwarded-For: ;;;===', 'X-Forwarded-For: '],
  ['X-Forwarded: for=evil.example;host=evil.example;proto=https'],
  ['Forwarded: for=evil.example;host=evil.example;proto=https'],
  ['Forwarded: host="evil.example:443";by=_x;for="[2001:db8::1]:80"'],
  ['Forwarded: host=evil.example', 'Forwarded: host=evil.example;proto=javascript'],
  ['Forwarded: ;;==""', 'Forwarded: host='],
  ['X-Host: evil.example'],
  ['X-HTTP-Host-Override: evil.example'],
  ['X-Original-Host: evil.example'],
  ['X-Backend-Host: evil.example'],
  ['X-Real-Host: evil.example'],
  ['X-Real-IP: 127.0.0.1'],
  ['X-Client-IP: 127.0.0.1'],
  ['Client-IP: 127.0.0.1'],
  ['True-Client-IP: 127.0.0.1'],
  ['CF-Connecting-IP: 127.0.0.1', 'CF-Visitor: {"scheme":"https"}'],
  ['Fastly-Client-IP: 127.0.0.1', 'Fastly-SSL: 1'],
  ['X-Cluster-Client-IP: 127.0.0.1'],
  ['X-Azure-ClientIP: 127.0.0.1', 'X-ARR-SSL: 1'],
  ['X-ProxyUser-Ip: 127.0.0.1'],
  ['CloudFront-Forwarded-Proto: https'],
  ['Via: 1.1 evil.example'],
  ['X-Original-URL: /changePassword', 'X-Rewrite-URL: /changePassword'],
  ['Base-Url: http://evil.example/', 'X-Base-Url: http://evil.example/'],
  ['X-Zitadel-Instance-Host: evil.example', 'X-Zitadel-Public-Host: evil.example', 'X-Instance-Host: evil.example'],
  ['X-Tenant: eu-west-1_other', 'X-Tenant-Id: eu-west-1_other', 'X-User-Pool-Id: eu-west-1_other'],
]

/** Those that a server reads, filled with what it does not expect. */
export const brokenHeaders: readonly (readonly string[])[] = [
  ['Accept: '],
  ['Accept: ,;q=,*/*;q=x'],
  [`Accept: ${'text/html,'.repeat(1000)}`],
  ['Accept: application/json'],
  ['Accept-Language: '],
  ['Accept-Language: *;q=2,;;q=0,xx-,-,a;q=NaN'],
  [`Accept-Language: ${'a-'.repeat(5000)}`],
  ['Accept-Language: __proto__,constructor;q=1'],
  ['Accept-Encoding: br;q=x,,gzip;;'],
  ['Accept-Charset: utf-7'],
  ['Authorization: '],
  ['Authorization: Basic ====', 'Proxy-Authorization: Basic eDp5'],
  ['Authorization: Basic \xff\xfe'],
  ['Authorization: Bearer'],
  ['Authorization: Bearer a b c'],
  ['Authorization: Bearer \xff.\xff.\xff'],
  ['Authorization: Negotiate TlRMTVNTUAABAAAA'],
  ['Cookie: '],
  ['Cookie: =; ;;; =x; x; "'],
  ['Cookie: __proto__=x; constructor=y; lang=\x80'],
  ['Cookie: lang=%E0%A4%A; lang="'],
  [`Cookie: ${'a=b; '.repeat(3000)}`],
  ['Content-Encoding: gzip', 'Content-Language: \xff'],
  ['If-None-Match: ""', 'If-Match: *', 'If-Modified-Since: yesterday', 'If-Unmodified-Since: Thu, 99'],
  ['Range: bytes=0-,-1,9-0', 'If-Range: x'],
  ['Origin: null'],
  ['Origin: https://evil.example'],
  ['Origin: \xff', 'Referer: \xff'],
  ['Referer: https://evil.example/?next=https://evil.example'],
  ['User-Agent: '],
  [`User-Agent: ${'('.repeat(10_000)}`],
  ['X-HTTP-Method-Override: GET', 'X-HTTP-Method: DELETE', 'X-Method-Override: PUT'],
  ['X-Requested-With: XMLHttpRequest'],
  ['X-Request-Id: evil\xffexample', 'X-Correlation-Id: {}'],
  ['X-Amz-Target: AWSCognitoIdentityProviderService.AdminInitiateAuth', 'X-Amz-User-Agent: x'],
  ['X-CSRF-Token: x', 'X-XSRF-TOKEN: x'],
  ['Traceparent: 00-x-y-zz', 'Tracestate: =', 'B3: 0'],
  ['Sec-Fetch-Site: cross-site', 'Sec-Fetch-Mode: navigate', 'Sec-Fetch-Dest: iframe'],
  ['DPoP: x.y.z'],
  ['TE: trailers, deflate;q=0.5', 'Trailer: Host'],
  ['Keep-Alive: timeout=99999999', 'Upgrade-Insecure-Requests: 1'],
  ['Max-Forwards: 0'],
  ['Date: not a date', 'Expires: 0', 'Age: -1'],
  ['From: a@b\xff', 'Pragma: no-cache', 'Cache-Control: only-if-cached'],
  [`X-${'a'.repeat(5000)}: b`],
]

/** Nothing of the attacker's may be found in what comes back. */
export const namesAttacker = (text: string): boolean => text.toLowerCase().includes(evil)

const nameOf = (line: string): string => line.slice(0, line.indexOf(':')).toLowerCase()
const maximumBytes = 20_000

/** As many of the rows in one request as differ in their names, for where each by itself would take too long. */
export function bundles(rows: readonly (readonly string[])[]): readonly (readonly string[])[] {
  const made: string[][] = []
  for (const row of rows) {
    const names = new Set(row.map(nameOf))
    const room = made.find(
      (bundle) =>
        bundle.length < 60 &&
        !bundle.some((line) => names.has(nameOf(line))) &&
        [...bundle, ...row].join('').length < maximumBytes,
    )
    if (room === undefined) made.push([...row])
    else room.push(...row)
  }
  return made
}
