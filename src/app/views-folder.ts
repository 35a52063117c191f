import { join } from 'node:path'

/** Beside src/ in the sources, and beside dist/src/ in a build: two folders up from here in both. */
export const viewsFolder = join(import.meta.dirname, '..', '..', 'views')
