import { readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { listFiles, PACKAGE } from '../harness/rules/imports.ts'
import { declaredNames, textsIn, wordsOf } from '../harness/rules/names.ts'

/**
 * Words that say nothing to a reader who knows Node, GraphQL, HTTP and databases, each with the term to use. No file
 * name and no declared name may contain one, because readers search for the standard term.
 */
const TERMS: Readonly<Record<string, string>> = {
  anothers: 'of another',
  asked: 'requested, input',
  asker: 'caller, client',
  asking: 'request',
  asks: 'requests, queries',
  breaches: 'violations',
  deaf: 'missed heartbeats',
  desk: 'deps, context',
  desks: 'deps, context',
  door: 'http, policy, endpoint',
  doors: 'http, policy, endpoint',
  embassy: 'schema adapter',
  entrance: 'authenticator',
  farewell: 'close frame',
  farewells: 'close frame',
  guesses: 'failed authentication attempts',
  happening: 'change, event',
  house: 'app container, server, instance',
  houses: 'app containers',
  hurry: 'prioritize',
  intake: 'request scheduler',
  keeps: 'stores',
  kept: 'stored, cached, prepared, retained',
  leaving: 'disconnect',
  nap: 'wait',
  nobody: 'none, empty',
  noun: 'record type',
  nouns: 'record types',
  nowhere: 'not found',
  patience: 'timeout, retry',
  patient: 'examined',
  patiently: 'with retry',
  said: 'context, reported, output',
  sealed: 'encrypted',
  shortly: 'result',
  sighted: 'fetched',
  sighting: 'fetched-at update',
  sightings: 'fetched-at updates',
  spared: 'avoided',
  spoilt: 'corrupt',
  story: 'scenario, history',
  stories: 'scenarios, histories',
  tell: 'report, notify, deliver',
  tells: 'reports',
  told: 'reported, snapshot, record',
  trail: 'call log',
  unruly: 'faulty',
  unsaid: 'suppressed',
  untold: 'omitted',
  whoever: 'any caller',
}

/** The terms of a provider's API and documentation. */
const FOREIGN = /^src\/providers\/[a-z]+\/(wire|fixtures|sandbox[a-z-]*)\.ts$/

const files = listFiles('src', 'schema', 'db', 'test', 'scripts', 'bench/src').filter(file => /\.(ts|js)$/.test(file))

function privateWordsIn(names: readonly string[]): string[] {
  return names.flatMap(name => wordsOf(name).flatMap(word => (TERMS[word] ? [`${name}: use ${TERMS[word]}`] : [])))
}

/** The same for messages, which a reader also searches for. Prose needs some of the words above. */
const PHRASES =
  /\b(there is no such|has no such|is no setting|told|asked for|nobody|whoever|nowhere|noun|patience|sightings?)\b/i

describe('file names and declared names', () => {
  it('of files are terms of the field', () => {
    expect(files.flatMap(file => privateWordsIn([basename(file)]).map(found => `${file}: ${found}`))).toEqual([])
  })

  it('of declarations are terms of the field', () => {
    const found = files
      .filter(file => !FOREIGN.test(file))
      .flatMap(file =>
        privateWordsIn(declaredNames(readFileSync(join(PACKAGE, file), 'utf8'))).map(each => `${file}: ${each}`),
      )
    expect([...new Set(found)]).toEqual([])
  })

  it('and messages are in plain present-tense English', () => {
    const found = files
      .filter(file => !file.startsWith('test/') && !FOREIGN.test(file))
      .flatMap(file =>
        textsIn(readFileSync(join(PACKAGE, file), 'utf8'))
          .filter(text => PHRASES.test(text))
          .map(text => `${file}: ${text}`),
      )
    expect(found).toEqual([])
    expect(textsIn("fail('There is no such ' + word)").filter(text => PHRASES.test(text))).toHaveLength(1)
  })

  it('are split into words in any case style', () => {
    expect(wordsOf('toldByHTTPDoor')).toEqual(['told', 'by', 'http', 'door'])
    expect(wordsOf('HOUSE_SETTINGS')).toEqual(['house', 'settings'])
    expect(wordsOf('light-door.test.ts')).toEqual(['light', 'door', 'test', 'ts'])
    expect(privateWordsIn(['openHouse'])).toEqual(['openHouse: use app container, server, instance'])
  })
})
