import { describe, expect, it } from 'vitest'
import { breachesIn, isVague } from './harness/breaches.ts'
import { listFiles, readSources, toSource } from './harness/imports.ts'

const PROVIDER = 'src/providers/kayle'

describe('the law of the house', () => {
  const sources = readSources('src', 'schema', 'db')

  it('is kept by every import, use and export of every file', () => {
    expect(sources.length).toBeGreaterThan(100)
    expect(sources.flatMap(breachesIn)).toEqual([])
  })

  it('is kept by every name: no file says only that it is useful', () => {
    expect(listFiles('src', 'schema', 'db', 'test', 'scripts').filter(isVague)).toEqual([])
    expect(isVague('src/server/utils.ts') && isVague('db/helpers/row.ts')).toBe(true)
  })

  it.each([
    ['src/domain/session.ts', "import { readFileSync } from 'node:fs'", 'words without I/O'],
    ['src/domain/session.ts', "import type { Database } from '../../db/database.ts'", 'words without I/O'],
    ['src/services/sessions.ts', "import { kayle } from '../providers/kayle/index.ts'", 'never a named provider'],
    ['src/services/sessions.ts', "const all = await import('../providers/registry.ts')", 'never a named provider'],
    ['src/services/sessions.ts', "import { GraphQLError } from 'graphql'", 'never a named provider'],
    ['src/services/sessions.ts', "export * from '../server/app.ts'", 'or the server'],
    ['src/server/app.ts', "import { openDatabase } from '../../db/database.ts'", 'no provider, schema or row'],
    ['src/server/app.ts', "import { boot } from '../boot.ts'", 'only main puts the house together'],
    ['src/boot.ts', "import { announce } from './main.ts'", 'main has side effects'],
    ['src/boot.ts', "import { sql } from 'kysely'", 'only db/ spells SQL'],
    ['src/boot.ts', "import { fetch } from 'undici'", 'only upstream spells HTTP'],
    ['schema/session.ts', "import { createContext } from '../src/context.ts'", 'as values'],
    ['schema/session.ts', "import { type Context } from '../src/context.ts'", 'as values'],
    ['schema/refs.ts', "import { SyncRef } from './sync.ts'", 'before all of their fields'],
    [`${PROVIDER}/wire.ts`, "import type { Session } from '../../domain/session.ts'", 'nothing else'],
    [`${PROVIDER}/mapper.ts`, "import { x } from '../yorlet/wire.ts'", 'own wire to domain'],
    [`${PROVIDER}/provider.ts`, "import { x } from '../yorlet/wire.ts'", 'knows no other'],
    [`${PROVIDER}/provider.ts`, "type X = import('../../services/call.ts').Call", 'knows no other'],
    [`${PROVIDER}/graphql.ts`, "import { buildSchema } from '../../../schema/index.ts'", 'built once'],
    [`${PROVIDER}/index.ts`, "import { sandbox } from './sandbox.ts'", 'lazily'],
    [`${PROVIDER}/sandbox-list.ts`, "import { toSession } from './mapper.ts'", 'not how we call it'],
    ['src/sandbox/server.ts', "import { createUpstream } from '../upstream/upstream.ts'", 'the far end'],
    ['src/sandbox/server.ts', 'const where = `./x.ts`; await import(where)', 'hides what is used'],
    ['src/security/vault.ts', 'const key = process.env.ENCRYPTION_KEY', 'config reads the environment'],
    ['src/security/vault.ts', "const key = globalThis.process['env'].ENCRYPTION_KEY", 'config reads the environment'],
    ['src/security/vault.ts', 'const { env } = process', 'config reads the environment'],
    ['src/server/app.ts', 'createServer().listen(4000)', 'side effects live in main'],
    ['src/jobs/poll.ts', "process.once('SIGTERM', stop)", 'side effects live in main'],
    ['src/jobs/poll.ts', 'process.exit(1)', 'side effects live in main'],
    ['src/cli/operations.ts', "import { openHouse } from '../house.ts'", 'operators go through services'],
    ['src/services/sessions.ts', "import { openHouse } from '../house.ts'", 'only a main puts the house together'],
    ['src/domain/session.ts', 'export default class Session {}', 'default export'],
    ['src/domain/session.ts', 'export { session as default }', 'default export'],
    ['src/misc/thing.ts', 'export const thing = 1', 'in no room'],
  ])('is seen to be broken: %s with %s', (file, text, because) => {
    const breaches = breachesIn(toSource(file, text))
    expect(breaches.join()).toContain(because)
    expect(breaches.join()).toContain(file)
  })

  it.each([
    ['schema/session.ts', "import type { Context } from '../src/context.ts'"],
    [`${PROVIDER}/index.ts`, "const sandbox = () => import('./sandbox.ts')"],
    [`${PROVIDER}/graphql.ts`, "import { builder } from '../../../schema/builder.ts'"],
    ['src/telemetry/log.ts', '// process.env is read by config\nconst memory = process.memoryUsage()'],
  ])('lets pass what it allows: %s with %s', (file, text) => {
    expect(breachesIn(toSource(file, text))).toEqual([])
  })
})
