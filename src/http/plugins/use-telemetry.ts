import type { DocumentNode } from 'graphql'
import type { Plugin } from 'graphql-yoga'
import { isAsyncIterable } from 'graphql-yoga'
import type { CallLog } from '../../domain/call-log.ts'
import type { Authenticated } from '../auth/use-authentication.ts'
import {
  describeOperation,
  endOperation,
  errorCodesOf,
  type OperationRecord,
  type OperationTelemetryOptions,
  startOperation,
} from '../pipeline/operation-telemetry.ts'
import { REQUEST_ID_HEADER } from '../request/request-head.ts'

export interface WithCallLog {
  readonly callLog: CallLog
}

type WithRecord = Authenticated & Partial<WithCallLog> & Partial<Recorded>

/** What this plugin adds to Yoga's context. `isReported`: the observer knows the result, and must not get it twice. */
interface Recorded {
  record?: OperationRecord
  isReported?: true
}

/** Reports each operation to the observer, and adds the provider calls to the result if the caller may inspect them. */
export function useTelemetry(options: OperationTelemetryOptions): Plugin<WithRecord> {
  const { observer } = options
  return {
    onParams: ({ context, request }) => {
      const recorded = asRecorded(context)
      recorded.record = startOperation(options, recorded.requestId, request.headers.get('traceparent'))
      recorded.callLog = recorded.record.callLog
    },
    onExecute: ({ args }) => describe(args),
    onSubscribe: ({ args }) => describe(args),
    onExecutionResult: ({ result, setResult, context }) => {
      const recorded = asRecorded(context)
      const { record, caller } = recorded
      if (!record || !result || Array.isArray(result)) return
      recorded.isReported = true
      setResult(endOperation(options, record, caller, result))
    },
    onResultProcess: ({ result, serverContext }) => {
      const recorded = asRecorded(serverContext)
      if (recorded.isReported || isAsyncIterable(result) || Array.isArray(result)) return
      // A request that was rejected before execution has no `onExecutionResult`.
      recorded.isReported = true
      for (const code of errorCodesOf(result)) observer.rejected(code)
    },
    onResponse: ({ response, serverContext }) => {
      const { requestId, isReported } = asRecorded(serverContext)
      if (requestId) response.headers.set(REQUEST_ID_HEADER, requestId)
      const code = isReported ? undefined : HTTP_CODES.get(response.status)
      if (code) observer.rejected(code)
    },
  }
}

/** Yoga types a context by the hook, but hands one object to all of them: server context and GraphQL context are the same. */
function asRecorded(context: object): Authenticated & { callLog?: CallLog } & Recorded {
  return context as ReturnType<typeof asRecorded>
}

interface Executed {
  readonly contextValue: WithRecord
  readonly document: DocumentNode
  readonly operationName?: string | null
}

function describe({ contextValue: { record }, document, operationName }: Executed): void {
  if (record) describeOperation(record, document, operationName)
}

/** Statuses of responses without a GraphQL result. */
const HTTP_CODES: ReadonlyMap<number, string> = new Map([
  [400, 'BAD_REQUEST'],
  [401, 'UNAUTHENTICATED'],
  [405, 'METHOD_NOT_ALLOWED'],
  [413, 'PAYLOAD_TOO_LARGE'],
  [415, 'UNSUPPORTED_MEDIA_TYPE'],
  [429, 'RATE_LIMITED'],
  [503, 'OVERLOADED'],
])
