import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildSchema, isEnumType, isInputObjectType, parse, validate } from 'graphql'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { packageRoot } from '../../src/app/package.ts'
import { API_KEY, startApp, type TestApp } from '../harness/app/test-app.ts'
import { startFlakyNetwork } from '../harness/providers/flaky-network.ts'
import { until } from '../harness/waiting.ts'

/** examples/codegen: types of GraphQL Code Generator's client preset, used with urql. Its packages are also ours. */

const EXAMPLE = join(packageRoot(), 'examples/codegen')
const read = (file: string) => readFileSync(join(EXAMPLE, file), 'utf8')

test('its packages are at the tested versions', () => {
  const { dependencies, devDependencies } = JSON.parse(read('package.json'))
  for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies })) {
    // What generates the types is not installed here: `npm run check` of the example uses it.
    if (name.startsWith('@graphql-codegen/')) continue
    expect([name, JSON.parse(readFileSync(`node_modules/${name}/package.json`, 'utf8')).version]).toEqual([
      name,
      version,
    ])
  }
})

describe('its generated types', () => {
  const schema = buildSchema(readFileSync('schema/schema.graphql', 'utf8'))
  const generated = read('src/graphql/graphql.ts')
  const known = Object.values(schema.getTypeMap()).filter(({ name }) => bodyOf(name) !== '')

  /** The generated text of a type, without descriptions. */
  function bodyOf(name: string): string {
    const [, body = ''] = new RegExp(`^export type ${name} =(.*?);\\n(?:\\n|$)`, 'ms').exec(generated) ?? []
    return body.replaceAll(/\/\*\*.*?\*\//gs, '')
  }

  test('have the values of each enum and the fields of each input of the schema', () => {
    const names = known.map(({ name }) => name)
    expect(names).toEqual(expect.arrayContaining(['CreateSessionInput', 'ErrorCode', 'ProviderSessionInput']))
    for (const type of known) {
      if (isEnumType(type)) {
        const values = [...bodyOf(type.name).matchAll(/'(\w+)'/g)].map(([, value]) => value)
        expect(values.sort(), type.name).toEqual(
          type
            .getValues()
            .map(({ name }) => name)
            .sort(),
        )
      }
      if (isInputObjectType(type)) {
        const fields = new Set([...bodyOf(type.name).matchAll(/(\w+)\??: /g)].map(([, field]) => field))
        expect([...fields].sort(), type.name).toEqual(Object.keys(type.getFields()).sort())
      }
    }
  })

  test('are of operations that are valid', () => {
    const operations = [...read('src/operations.ts').matchAll(/GraphQL \*\/ `(.*?)`/gs)].map(([, text = '']) => text)
    expect(operations).toHaveLength(3)
    for (const text of operations) {
      expect(validate(schema, parse(text))).toEqual([])
      expect(read('src/graphql/gql.ts')).toContain(JSON.stringify(text))
    }
  })
})

describe('the program', () => {
  let app: TestApp
  beforeAll(async () => {
    app = await startApp({ SANDBOX_WEBHOOKS: 'on' })
  })
  afterAll(() => app.close())

  test('creates a session, reads it, and follows it to its decision through cut connections, with each status once', async () => {
    const network = await startFlakyNetwork({ host: 'localhost', port: Number(new URL(app.url).port) })
    const env = {
      ...process.env,
      SESSIONGRAPH_URL: `http://127.0.0.1:${network.port}/graphql`,
      SESSIONGRAPH_API_KEY: API_KEY,
    }
    const program = spawn(process.execPath, ['--import', 'tsx', join(EXAMPLE, 'src/main.ts')], { env })
    const ended = once(program, 'close')
    let output = ''
    for (const stream of [program.stdout, program.stderr]) stream.on('data', chunk => (output += chunk))

    await until(() => app.streams.count() === 1)
    expect(output).toMatch(/^KAYLE CREATED\. Open http\S+ and choose the result\.\n/)
    const { data } = await app.execute('{ sessions { nodes { id providerId } } }')
    const [{ id, providerId }] = data.sessions.nodes
    const statusOf = async () => (await app.execute(`{ session(by: { id: "${id}" }) { status } }`)).data.session.status
    for (const [to, status] of [
      ['attempt_started', 'IN_PROGRESS'],
      ['attempt_succeeded', 'COMPLETED'],
    ] as const) {
      network.setUp(false)
      await until(() => app.streams.count() === 0)
      await app.sandbox('KAYLE').advance({ id: providerId, to })
      await until(async () => (await statusOf()) === status)
      network.setUp(true)
      await until(() => output.includes(status))
    }

    expect([await ended, output]).toEqual([[0, null], output])
    const [, ...statuses] = output.trim().split('\n')
    const changes = statuses.filter((line, at) => line !== statuses[at - 1])
    expect(changes).toEqual(['IN_PROGRESS PENDING', 'COMPLETED APPROVED'])
    await network.close()
  })
})
