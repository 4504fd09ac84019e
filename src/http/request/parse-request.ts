import type { GraphQLError } from 'graphql'
import { httpError } from '../errors/http-error.ts'
import type { RequestLimits } from '../limits.ts'
import { assertLength } from './body.ts'
import { type Params, parseParams, parseParamsOrBatch } from './graphql-params.ts'
import { assertNoNullCharacters, decodeText, parseJsonBody } from './json-body.ts'
import type { RequestHead } from './request-head.ts'

/** Validates and parses a request on both paths. Each check throws an HTTP error, which repeats no input. */

/** Validates everything but the body. */
export function assertHead(head: RequestHead, limits: RequestLimits): void {
  assertMethod(head.method)
  if (head.method === 'GET') return
  assertMediaType(head)
  assertLength(head, limits.maxBodyBytes)
}

export function parsePostBody(body: Uint8Array, limits: RequestLimits): Params {
  return parseParams(parseJsonBody(decodeText(body), limits.maxJsonDepth, 'the body'))
}

/** A body that may be a batch. */
export function parseBodyOrBatch(body: Uint8Array, limits: RequestLimits): Params | Params[] {
  return parseParamsOrBatch(parseJsonBody(decodeText(body), limits.maxJsonDepth, 'the body'), limits.maxBatchSize)
}

export function parseQueryString({ search }: RequestHead, limits: RequestLimits): Params {
  const given = new Map(new URLSearchParams(search))
  assertNoNullCharacters([...given.values()].join(), 'the URL')
  const json = (name: string) => {
    const text = given.get(name)
    return text ? parseJsonBody(text, limits.maxJsonDepth, `"${name}"`) : null
  }
  return parseParams({
    query: given.get('query') || null,
    operationName: given.get('operationName') || null,
    documentId: given.get('documentId') || null,
    variables: json('variables'),
    extensions: json('extensions'),
  })
}

function assertMethod(method: string): void {
  if (method !== 'GET' && method !== 'POST') throw methodNotAllowed()
}

export function methodNotAllowed(): GraphQLError {
  return httpError('METHOD_NOT_ALLOWED', 'Expected POST, or GET for a query.', {
    status: 405,
    headers: { allow: 'GET, POST' },
  })
}

const EXPECTED = 'Expected "content-type: application/json" in UTF-8, without a content encoding.'

const MAX_CONTENT_TYPE_CHARACTERS = 200

/** Only JSON in UTF-8: no forms, no multipart, no compression. */
export function assertMediaType({ header }: RequestHead): void {
  const contentType = header('content-type') ?? ''
  const parts = contentType.length > MAX_CONTENT_TYPE_CHARACTERS ? [] : contentType.split(';')
  const [type, ...parameters] = parts.map(part => part.trim().toLowerCase())
  const charset = parameters.find(parameter => parameter.startsWith('charset='))
  const encoding = header('content-encoding')?.trim().toLowerCase() ?? 'identity'
  const isUtf8 = charset === undefined || /^charset="?utf-?8"?$/.test(charset)
  if (type === 'application/json' && isUtf8 && encoding === 'identity') return
  throw httpError('UNSUPPORTED_MEDIA_TYPE', EXPECTED, { status: 415, headers: { 'accept-post': 'application/json' } })
}
