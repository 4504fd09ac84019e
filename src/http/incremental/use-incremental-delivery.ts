import { type ExecutionArgs, GraphQLError, type GraphQLSchema, getOperationAST, getVariableValues } from 'graphql'
import { isAsyncIterable, type Plugin } from 'graphql-yoga'
import { canBeIncremental } from '../document/query-complexity.ts'
import { incrementalFormat } from '../request/accepted-type.ts'
import { type ExecutedPart, toIncrementalV2023 } from './incremental-v2023.ts'
import { type LabeledOperation, labelOperation } from './labeled-operation.ts'

/** Sends a response in parts in the format of 2023 to clients that accept it. Yoga sends it in that of 2022. */
export function useIncrementalDelivery(): Plugin<{ readonly request: Request }> {
  const labeledOf = new WeakMap<Request, { readonly schema: GraphQLSchema; readonly labeled: LabeledOperation }>()
  return {
    onExecute: ({ args, executeFn, setExecuteFn }) => {
      const { request } = args.contextValue
      if (incrementalFormat(request.headers.get('accept')) !== 'V2023') return
      const labeled = labelIncremental(args)
      if (!labeled) return
      labeledOf.set(request, { schema: args.schema, labeled })
      setExecuteFn((args: ExecutionArgs) => executeFn({ ...args, document: labeled.document }))
    },
    onResultProcess: ({ request, result, setResultProcessor }) => {
      const found = labeledOf.get(request)
      if (!found || !isAsyncIterable(result)) return
      const parts = toIncrementalV2023(result as AsyncIterable<ExecutedPart>, found.schema, found.labeled)
      setResultProcessor(
        (_result, fetchAPI) =>
          new fetchAPI.Response(toBody(parts, fetchAPI.ReadableStream), { status: 200, headers: { ...HEADERS } }),
        'multipart/mixed',
      )
    },
  }
}

function labelIncremental({ schema, document, operationName, variableValues }: ExecutionArgs) {
  const operation = getOperationAST(document, operationName)
  if (!operation || !canBeIncremental(document, operation, variableValues ?? {})) return undefined
  const { coerced } = getVariableValues(schema, operation.variableDefinitions ?? [], variableValues ?? {})
  return coerced && labelOperation(document, operationName, coerced)
}

const HEADERS = {
  'content-type': 'multipart/mixed;boundary="-";incrementalSpec="v0.2"',
  'cache-control': 'no-store',
  // nginx would buffer parts.
  'x-accel-buffering': 'no',
}
const DELIMITER = '\r\n---'

function toBody(parts: AsyncGenerator<object>, Stream: typeof ReadableStream): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  return new Stream<Uint8Array>({
    start: controller => controller.enqueue(encoder.encode(DELIMITER)),
    pull: async controller => {
      // The stream of `fetchAPI` does not handle a rejection of `pull`, which would end the process.
      const next = await parts.next().catch(error => void controller.error(error))
      if (!next) return
      const { value, done } = next
      if (value) {
        const text = JSON.stringify(value, (_key, inner: unknown) => withoutHttp(inner))
        controller.enqueue(encoder.encode(`\r\ncontent-type: application/json\r\n\r\n${text}${DELIMITER}`))
      }
      if (!done) return
      controller.enqueue(encoder.encode('--\r\n'))
      controller.close()
    },
    cancel: async () => void (await parts.return(undefined)),
  })
}

/** The HTTP status of an error is of the response, not of the error in it. */
function withoutHttp(value: unknown): unknown {
  if (!(value instanceof GraphQLError)) return value
  const { http, ...extensions } = value.extensions
  return { ...value.toJSON(), extensions }
}
