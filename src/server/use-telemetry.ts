import type { DocumentNode } from 'graphql'
import type { Plugin } from 'graphql-yoga'
import { isAsyncIterable } from 'graphql-yoga'
import type { Trail } from '../domain/trail.ts'
import { REQUEST_ID_HEADER } from './request-id.ts'
import { codesOf, type TelemetryOptions, type Told, tellBegin, tellEnd, tellOperation } from './telling.ts'
import type { Admitted } from './use-authentication.ts'

/** What this plugin gives each operation. */
export interface Trailed {
  readonly trail: Trail
}

/** The context is copied by the door, so what is told is one object. `isTold`: how it went was told, and not again. */
type Known = Admitted & Partial<Trailed> & { readonly told?: Told; readonly isTold?: true }

/** Tells of each operation how it went, and shows those who may see it which calls it made. */
export function useTelemetry(options: TelemetryOptions): Plugin<Known> {
  const { watch } = options
  return {
    onParams: ({ context, request }) => {
      const { requestId } = context as unknown as Known
      const told = tellBegin(options, requestId, request.headers.get('traceparent'))
      Object.assign(context as object, { trail: told.trail, told })
    },
    onExecute: ({ args }) => look(args),
    onSubscribe: ({ args }) => look(args),
    onExecutionResult: ({ result, setResult, context }) => {
      const { told, caller } = context as unknown as Known
      if (!told || !result || Array.isArray(result)) return
      Object.assign(context as object, { isTold: true })
      setResult(tellEnd(options, told, caller, result))
    },
    onResultProcess: ({ result, serverContext }) => {
      const { isTold } = serverContext as unknown as Partial<Known>
      if (isTold || isAsyncIterable(result) || Array.isArray(result)) return
      // What was refused before there was an operation comes by here only.
      Object.assign(serverContext, { isTold: true })
      for (const code of codesOf(result)) watch.turnedAway(code)
    },
    onResponse: ({ response, serverContext }) => {
      const { requestId, isTold } = serverContext as unknown as Partial<Known>
      if (requestId) response.headers.set(REQUEST_ID_HEADER, requestId)
      const code = isTold ? undefined : DOOR_CODES.get(response.status)
      if (code) watch.turnedAway(code)
    },
  }
}

interface Executed {
  readonly contextValue: Known
  readonly document: DocumentNode
  readonly operationName?: string | null
}

function look({ contextValue: { told }, document, operationName }: Executed): void {
  if (told) tellOperation(told, document, operationName)
}

/** What the door turned away before there was an operation. */
const DOOR_CODES: ReadonlyMap<number, string> = new Map([
  [400, 'BAD_REQUEST'],
  [401, 'UNAUTHENTICATED'],
  [405, 'METHOD_NOT_ALLOWED'],
  [413, 'PAYLOAD_TOO_LARGE'],
  [415, 'UNSUPPORTED_MEDIA_TYPE'],
  [429, 'RATE_LIMITED'],
  [503, 'OVERLOADED'],
])
