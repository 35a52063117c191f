import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** For processes that tests start: Node compiles, and strips the types of, each file once and not once a process. */
export const compileCache = { NODE_COMPILE_CACHE: join(tmpdir(), 'latchkey-compile-cache') }
