import { describe, expect, it } from 'vitest'
import { isVague, violationsIn } from '../harness/rules/import-rule-violations.ts'
import { listFiles, readSources, toSource } from '../harness/rules/imports.ts'

const PROVIDER = 'src/providers/kayle'

describe('the import rules', () => {
  const sources = readSources('src', 'schema', 'db')

  it('hold for every import, use and export of every file', () => {
    expect(sources.length).toBeGreaterThan(100)
    expect(sources.flatMap(violationsIn)).toEqual([])
  })

  it('allow no file called utils, helpers or common', () => {
    expect(listFiles('src', 'schema', 'db', 'test', 'scripts').filter(isVague)).toEqual([])
    expect(isVague('src/http/utils.ts') && isVague('db/helpers/row.ts')).toBe(true)
  })

  it.each([
    ['src/domain/records/session.ts', "import { readFileSync } from 'node:fs'", 'words without I/O'],
    ['src/domain/records/session.ts', "import type { Database } from '../../db/database.ts'", 'words without I/O'],
    [
      'src/services/records/sessions.ts',
      "import { kayle } from '../../providers/kayle/index.ts'",
      'never a named provider',
    ],
    [
      'src/services/records/sessions.ts',
      "const all = await import('../../providers/registry.ts')",
      'never a named provider',
    ],
    ['src/services/records/sessions.ts', "import { GraphQLError } from 'graphql'", 'never a named provider'],
    ['src/services/records/sessions.ts', "export * from '../../http/app.ts'", 'or the server'],
    ['src/http/app.ts', "import { openDatabase } from '../../db/database.ts'", 'no provider, schema or row'],
    ['src/http/app.ts', "import { startServer } from '../app/start-server.ts'", 'only main composes the application'],
    ['src/app/start-server.ts', "import { announce } from '../main.ts'", 'main has side effects'],
    ['src/app/start-server.ts', "import { sql } from 'kysely'", 'only db/ spells SQL'],
    ['src/app/start-server.ts', "import { fetch } from 'undici'", 'only upstream spells HTTP'],
    ['schema/types/session.ts', "import { createContext } from '../../src/context.ts'", 'as values'],
    ['schema/types/session.ts', "import { type Context } from '../../src/context.ts'", 'as values'],
    ['schema/types/refs.ts', "import { SyncRef } from './sync.ts'", 'before all of their fields'],
    [`${PROVIDER}/wire.ts`, "import type { Session } from '../../domain/session.ts'", 'nothing else'],
    [`${PROVIDER}/mapper.ts`, "import { x } from '../yorlet/wire.ts'", 'own wire to domain'],
    [`${PROVIDER}/provider.ts`, "import { x } from '../yorlet/wire.ts'", 'knows no other'],
    [`${PROVIDER}/provider.ts`, "type X = import('../../services/request-scope.ts').RequestScope", 'knows no other'],
    [`${PROVIDER}/graphql.ts`, "import { buildSchema } from '../../../schema/index.ts'", 'built once'],
    [`${PROVIDER}/index.ts`, "import { sandbox } from './sandbox.ts'", 'lazily'],
    [`${PROVIDER}/sandbox-list.ts`, "import { toSession } from './mapper.ts'", 'not how we call it'],
    ['src/sandbox/server.ts', "import { createUpstream } from '../upstream/upstream.ts'", 'the far end'],
    ['src/sandbox/server.ts', 'const where = `./x.ts`; await import(where)', 'hides what is used'],
    ['src/security/field-encryption.ts', 'const key = process.env.ENCRYPTION_KEY', 'config reads the environment'],
    [
      'src/security/field-encryption.ts',
      "const key = globalThis.process['env'].ENCRYPTION_KEY",
      'config reads the environment',
    ],
    ['src/security/field-encryption.ts', 'const { env } = process', 'config reads the environment'],
    ['src/http/app.ts', 'createServer().listen(4000)', 'side effects live in main'],
    ['src/jobs/poll.ts', "process.once('SIGTERM', stop)", 'side effects live in main'],
    ['src/jobs/poll.ts', 'process.exit(1)', 'side effects live in main'],
    [
      'src/cli/commands/operations.ts',
      "import { createContainer } from '../../app/container.ts'",
      'operators go through services',
    ],
    [
      'src/services/records/sessions.ts',
      "import { createContainer } from '../../app/container.ts'",
      'only a main composes the application',
    ],
    ['src/domain/records/session.ts', 'export default class Session {}', 'default export'],
    ['src/domain/records/session.ts', 'export { session as default }', 'default export'],
    ['src/misc/thing.ts', 'export const thing = 1', 'in no area'],
  ])('report %s with %s', (file, text, because) => {
    const violations = violationsIn(toSource(file, text))
    expect(violations.join()).toContain(because)
    expect(violations.join()).toContain(file)
  })

  it.each([
    ['schema/types/session.ts', "import type { Context } from '../../src/context.ts'"],
    [`${PROVIDER}/index.ts`, "const sandbox = () => import('./sandbox.ts')"],
    [`${PROVIDER}/graphql.ts`, "import { builder } from '../../../schema/builder.ts'"],
    ['src/telemetry/log.ts', '// process.env is read by config\nconst memory = process.memoryUsage()'],
  ])('allow %s with %s', (file, text) => {
    expect(violationsIn(toSource(file, text))).toEqual([])
  })
})
