import { readdirSync, readFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { Liquid, type Template } from 'liquidjs'
import type { ViewContexts } from './page-contexts.ts'

export interface ViewEngine {
  /**
   * Renders a template of the views folder, named by its path without extension: `pages/login`,
   * `emails/reset.html`. Everything printed is HTML-escaped, except in `.text` templates, which are plain text.
   * Throws for a name that is not in the folder, and when a limit is passed.
   */
  render<Name extends keyof ViewContexts>(name: Name, context: ViewContexts[Name]): string
}

export interface ViewEngineOptions {
  /** Printing an absent member throws instead of printing nothing. For tests: a page must not have holes. */
  readonly strictVariables?: boolean
}

const extension = '.liquid'

// Far above any page of ours (a page takes well under a millisecond), low enough that a foreign template cannot
// hold the event loop or the heap. The time limit is wall time, so it leaves room for a pause of the machine.
const limits = { parseLimit: 200_000, renderLimit: 2_000, memoryLimit: 5_000_000 }

/**
 * Reads and parses every template below `viewsFolder` once; afterwards no template touches the file system: names
 * resolve against what was read, so neither `..` nor an absolute path leads anywhere. Throws on a template that
 * does not parse.
 */
export function createViewEngine(viewsFolder: string, options: ViewEngineOptions = {}): ViewEngine {
  const sources = readTemplates(viewsFolder)
  const html = createLiquid(sources, options, { outputEscape: 'escape' })
  const text = createLiquid(sources, options, {})
  const parsed = new Map<string, { liquid: Liquid; template: Template[] }>()
  for (const file of Object.keys(sources)) {
    const name = file.slice(0, -extension.length)
    const liquid = name.endsWith('.text') ? text : html
    parsed.set(name, { liquid, template: liquid.parseFileSync(name) })
  }
  return {
    render(name, context) {
      const view = parsed.get(name)
      if (view === undefined) throw new Error(`There is no view named ${JSON.stringify(name)}.`)
      return view.liquid.renderSync(view.template, context) as string
    },
  }
}

function createLiquid(
  templates: Record<string, string>,
  options: ViewEngineOptions,
  escaping: { outputEscape?: 'escape' },
): Liquid {
  const strictVariables = options.strictVariables ?? false
  return new Liquid({
    templates,
    extname: extension,
    cache: Object.keys(templates).length * 4, // each template under every kind of reference: nothing is ever evicted
    relativeReference: false,
    // A context may carry what a person typed; only own members are data, the prototype chain is code.
    ownPropertyOnly: true,
    strictFilters: true,
    strictVariables,
    lenientIf: true,
    ...escaping,
    ...limits,
  })
}

function readTemplates(viewsFolder: string): Record<string, string> {
  // Without a prototype: `{% render 'constructor' %}` must not find anything either.
  const sources = Object.create(null) as Record<string, string>
  for (const entry of readdirSync(viewsFolder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith(extension)) continue
    const path = join(entry.parentPath, entry.name)
    sources[relative(viewsFolder, path).split(sep).join('/')] = readFileSync(path, 'utf8')
  }
  return sources
}
