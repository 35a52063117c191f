import type { Context } from 'koa'

const name = 'demo_session'

/** The cookie that holds a demo session's handle, for the paths of the demo alone. */
export interface DemoCookie {
  read(ctx: Context): string | undefined
  write(ctx: Context, handle: string): void
  clear(ctx: Context): void
}

/** @param secure whether the demo is reached over https */
export function createDemoCookie(secure: boolean): DemoCookie {
  // Lax, because the authorization response is a navigation that comes from the server's origin.
  const attributes = `Path=/demo; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`
  return {
    read: (ctx) => ctx.cookies.get(name),
    // Written as text: `ctx.cookies` refuses Secure behind a TLS front, where the socket itself is plain.
    write: (ctx, handle) => ctx.append('Set-Cookie', `${name}=${handle}; ${attributes}`),
    clear: (ctx) => ctx.append('Set-Cookie', `${name}=; Max-Age=0; ${attributes}`),
  }
}
