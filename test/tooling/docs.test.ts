import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, expect, test } from 'vitest'

/* What the documents point at is there: files, headings, and the tests that are to show what they say. */

const repository = join(import.meta.dirname, '..', '..')

const markdownIn = (folder: string): string[] =>
  readdirSync(join(repository, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name))

const documents = ['README.md', 'CHANGELOG.md', ...markdownIn('docs'), ...markdownIn('test')]
const read = (document: string): string => readFileSync(join(repository, document), 'utf8')

/** As GitHub makes an anchor of a heading. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(/\s/g, '-')

const anchorsOf = (text: string): string[] =>
  [...text.matchAll(/^#{1,6} (.+)$/gm)].map(([, heading]) => anchorOf(heading ?? ''))

/** What is shown as code is no prose: examples name addresses that are nobody's. */
const withoutExamples = (text: string): string => text.replaceAll(/```[\s\S]*?```/g, '')

function brokenLinks(document: string): string[] {
  const links = [...withoutExamples(read(document)).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target ?? '')
  return links.filter((target) => {
    if (/^(https?|mailto):/.test(target)) return false
    const [path = '', anchor] = target.split('#')
    const file = path === '' ? document : relative(repository, join(repository, dirname(document), path))
    if (file.startsWith('..') || !existsSync(join(repository, file))) return true
    return anchor !== undefined && !anchorsOf(read(file)).includes(anchor)
  })
}

/** `src/domain`, `docs/operations.md`, `test/domain`, … as the documents name them in passing. */
function missingPaths(document: string): string[] {
  const spans = [...withoutExamples(read(document)).matchAll(/`([^`\n]+)`/g)].map(([, text]) => text ?? '')
  return spans.filter(
    (text) => /^(src|test|docs|views|migrations|bench)\/[\w./-]+$/.test(text) && !existsSync(join(repository, text)),
  )
}

describe.each(documents)('%s', (document) => {
  test('leads to files and headings that are there', () => {
    expect(brokenLinks(document)).toEqual([])
    expect(missingPaths(document)).toEqual([])
  })
})

interface Row {
  name: string
  cells: string[]
}

const rowsOf = (text: string): Row[] =>
  text
    .split('\n')
    .filter((line) => line.startsWith('| ') && !/^\|( -+ \|)+$/.test(line))
    .map((line) => line.split(/(?<!\\)\|/).slice(1, -1))
    .map((cells) => cells.map((cell) => cell.trim()))
    .map((cells) => ({ name: cells[0] ?? '', cells }))

describe('docs/api-coverage.md', () => {
  const headings = 'State | What, and why | Tests'
  const rows = rowsOf(read('docs/api-coverage.md')).filter(({ cells }) => cells.slice(1).join(' | ') !== headings)
  const states = ['same', 'differs', 'absent', 'later']

  test('has every row of the tables in order', () => {
    expect(rows.length).toBeGreaterThan(150)
    const wrong = rows.filter(({ cells }) => cells.length !== 4 || !states.includes(cells[1] ?? ''))
    expect(wrong).toEqual([])
    const unexplained = rows.filter(({ cells }) => cells[1] === 'differs' && cells[2] === '')
    expect(unexplained).toEqual([])
  })

  test('names tests that are there, at least one for all that works', () => {
    const testsOf = ({ cells }: Row): string[] => (cells[3] ?? '').split(', ').filter((text) => text !== '')
    const missing = rows.flatMap((row) =>
      testsOf(row).filter((text) => {
        const [, name] = /^`([\w/-]+)`$/.exec(text) ?? []
        return name === undefined || !existsSync(join(repository, 'test', `${name}.test.ts`))
      }),
    )
    expect(missing).toEqual([])
    const works = rows.filter(({ cells }) => cells[1] === 'same' || cells[1] === 'differs')
    expect(works.filter((row) => testsOf(row).length === 0)).toEqual([])
  })

  test('is linked to from where one looks', () => {
    for (const document of ['README.md', 'docs/configuration.md']) expect(read(document)).toContain('api-coverage.md)')
  })
})

describe('test/stories/odd-paths/README.md', () => {
  const folder = 'test/stories/odd-paths'
  const stories = rowsOf(read(`${folder}/README.md`))
    .filter(({ cells }) => cells[3] !== 'Story')
    .flatMap(({ cells }) => (cells[3] ?? '').split(', '))
    .map((text) => text.replaceAll('`', ''))

  test('names stories that are there', () => {
    expect(stories.length).toBeGreaterThan(30)
    const isStory = (name: string): boolean => {
      const file = join(repository, folder, `${name}.test.ts`)
      return existsSync(file) && statSync(file).isFile()
    }
    expect(stories.filter((name) => !isStory(name))).toEqual([])
  })
})
