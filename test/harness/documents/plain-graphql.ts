import { type DocumentNode, type ExecutionResult, execute, type GraphQLSchema, parse, validate } from 'graphql'
import { buildSchema } from '../../../schema/index.ts'
import type { Caller } from '../../../src/domain/access/caller.ts'
import { CallLog } from '../../../src/domain/call-log.ts'
import { createRowScheduler } from '../../../src/domain/row-turns.ts'
import { toClientError } from '../../../src/http/errors/error-codes.ts'
import { createContextFactory } from '../../../src/http/pipeline/operation-context.ts'
import { registry } from '../../../src/providers/registry.ts'
import { createDevelopmentKey } from '../../../src/security/api-keys.ts'
import { createAuthentication } from '../../../src/services/access/authentication.ts'
import { API_KEY, type TestApp } from '../app/test-app.ts'

/** The response of graphql-js to a document, without this server's HTTP layer. */
export interface PlainAnswer {
  /** As JSON, so that field order is compared. Undefined where the document was not executed. */
  readonly data: string | undefined
  /** Path and code of each error, sorted. */
  readonly errors: readonly string[]
}

export interface PlainGraphql {
  readonly schema: GraphQLSchema
  /** Executes the document with each of the variables, one after the other. */
  execute(query: string, variables: readonly Record<string, unknown>[], token?: string): Promise<readonly PlainAnswer[]>
}

/** Executes documents on the services of a server with graphql-js only. */
export async function createPlainGraphql(app: TestApp, now: () => Date): Promise<PlainGraphql> {
  const schema = await buildSchema(registry, 'on')
  const rows = createRowScheduler(
    { shortages: 0, isShort: () => false, isTight: () => false, whenRoom: async () => {} },
    { accepted: 0 },
  )
  const openContext = createContextFactory(app.services, rows, now)
  const development = createDevelopmentKey(API_KEY, 'dev')
  const authentication = createAuthentication({ ...app.services, development })
  const { signal } = new AbortController()

  async function run(document: DocumentNode, variableValues: Record<string, unknown>, caller: Caller) {
    const contextValue = await openContext({
      caller,
      requestId: 'plain',
      since: 0,
      callLog: new CallLog('plain'),
      deadline: { signal },
      lastEventId: null,
      incremental: false,
      selectsEncryptedField: true,
      work: 0,
      selectsLiveCursor: true,
    })
    return toPlainAnswer(await execute({ schema, document, contextValue, variableValues }))
  }

  return {
    schema,
    execute: async (query, variables, token = API_KEY) => {
      const caller = await authentication.authenticate(token)
      if (!caller) throw new Error('Expected a token that is let in.')
      // Without locations, so that no code can depend on the source text.
      const document = parse(query, { noLocation: true })
      const errors = validate(schema, document)
      const answers = []
      for (const each of variables) {
        answers.push(errors.length > 0 ? toPlainAnswer({ errors }) : await run(document, each, caller))
      }
      return answers
    },
  }
}

function toPlainAnswer({ data, errors = [] }: ExecutionResult): PlainAnswer {
  const reported = errors.map(error => ({ path: error.path, extensions: toClientError(error).extensions }))
  return { data: data === undefined ? undefined : JSON.stringify(data), errors: pathsAndCodes(reported) }
}

/** Path and code of each error, sorted, because parallel fields fail in any order. */
export function pathsAndCodes(
  errors: readonly { readonly path?: readonly (string | number)[]; readonly extensions: Record<string, unknown> }[],
): readonly string[] {
  return errors.map(({ path, extensions }) => `${path?.join('.') ?? ''} ${extensions.code}`).sort()
}
