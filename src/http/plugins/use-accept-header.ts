import { type ExecutionArgs, type GraphQLError, getOperationAST } from 'graphql'
import { type Plugin, processRegularResult } from 'graphql-yoga'
import type { Authenticated } from '../auth/use-authentication.ts'
import { canBeIncremental } from '../document/query-complexity.ts'
import { badRequest, httpError, toErrorResponse } from '../errors/http-error.ts'
import { acceptsWhole, incrementalFormat, MAX_ACCEPT_CHARACTERS, streamFormat } from '../request/accepted-type.ts'
import type { WithBatch } from './use-request-parser.ts'

/** Rejects an operation with 406 before its execution if the client accepts none of our media types. The error is JSON. */
export function useAcceptHeader(): Plugin<Authenticated> {
  const check = (form: ResponseForm, { contextValue }: ExecutionArgs): GraphQLError | undefined => {
    const { request, isBatch } = contextValue as { readonly request: Request } & Partial<WithBatch>
    if (isBatch && form !== 'WHOLE') return partsInBatch()
    return isAccepted(request.headers.get('accept'), form) ? undefined : notAcceptable(form)
  }
  return {
    onRequest: ({ request, serverContext, endResponse, fetchAPI }) => {
      if ((request.headers.get('accept')?.length ?? 0) <= MAX_ACCEPT_CHARACTERS) return
      endResponse(toErrorResponse(tooLong(), (serverContext as Partial<Authenticated>).requestId, fetchAPI))
    },
    onExecute: ({ args, setResultAndStopExecution }) => {
      const error = check(formOf(args), args)
      if (error) setResultAndStopExecution({ errors: [error] })
    },
    onSubscribe: ({ args, setResultAndStopExecution }) => {
      const error = check('STREAM', args)
      if (error) setResultAndStopExecution({ errors: [error] })
    },
    onResultProcess: ({ resultProcessor, setResultProcessor }) => {
      if (!resultProcessor) setResultProcessor(processRegularResult, 'application/json')
    },
  }
}

function tooLong() {
  return httpError('BAD_REQUEST', `Expected a header "accept" of at most ${MAX_ACCEPT_CHARACTERS} characters.`, {
    status: 406,
  })
}

function formOf({ document, operationName, variableValues }: ExecutionArgs): ResponseForm {
  const operation = getOperationAST(document, operationName)
  return operation && canBeIncremental(document, operation, variableValues ?? {}) ? 'PARTS' : 'WHOLE'
}

/** A response in one piece, in parts of one operation, or as a stream of events. */
type ResponseForm = 'PARTS' | 'STREAM' | 'WHOLE'

function isAccepted(accept: string | null, form: ResponseForm): boolean {
  if (form === 'WHOLE') return acceptsWhole(accept)
  return (form === 'STREAM' ? streamFormat(accept) : incrementalFormat(accept)) !== undefined
}

const EXPECTED: Readonly<Record<ResponseForm, string>> = {
  PARTS:
    '"multipart/mixed", with "deferSpec=20220824" or "incrementalSpec=v0.2" or neither, or "text/event-stream" for @defer and @stream',
  STREAM: '"text/event-stream" or "multipart/mixed;subscriptionSpec=1.0" for a subscription',
  WHOLE: '"application/json" or "application/graphql-response+json"',
}

function partsInBatch() {
  return badRequest('Expected queries and mutations without @defer and @stream in a batch.')
}

function notAcceptable(form: ResponseForm) {
  return httpError('BAD_REQUEST', `Expected a header "accept" with ${EXPECTED[form]}.`, { status: 406 })
}
