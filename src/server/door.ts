import type { Asked } from './asked.ts'
import { checkLength } from './body.ts'
import { checkNull, decodeText, parseJson } from './json-text.ts'
import type { DoorLimits } from './limits.ts'
import { checkMediaType } from './media-type.ts'
import { type Params, toParams } from './params.ts'
import { checkPreflight } from './preflight.ts'
import { refuse } from './refusal.ts'

/**
 * What is checked of a request before GraphQL sees it, in this order, whichever way it came in. Each check throws its
 * refusal. Nothing that was sent is repeated in one.
 */

/** All that can be said without the body. */
export function checkHead(asked: Asked, limits: DoorLimits): void {
  checkMethod(asked.method)
  if (asked.method === 'GET') checkPreflight(asked)
  else {
    checkMediaType(asked)
    checkLength(asked, limits.maxBodyBytes)
  }
}

/** What is asked by the body of a POST. */
export function readPosted(body: Uint8Array, limits: DoorLimits): Params {
  return toParams(parseJson(decodeText(body), limits.maxJsonDepth, 'the body'))
}

/** What is asked by the address of a GET. */
export function readSearch({ search }: Asked, limits: DoorLimits): Params {
  const given = new Map(new URLSearchParams(search))
  checkNull([...given.values()].join(), 'the address')
  const json = (name: string) => {
    const text = given.get(name)
    return text ? parseJson(text, limits.maxJsonDepth, `"${name}"`) : null
  }
  return toParams({
    query: given.get('query') || null,
    operationName: given.get('operationName') || null,
    documentId: given.get('documentId') || null,
    variables: json('variables'),
    extensions: json('extensions'),
  })
}

function checkMethod(method: string): void {
  if (method === 'GET' || method === 'POST') return
  throw refuse('METHOD_NOT_ALLOWED', 'Expected POST, or GET for a query.', {
    status: 405,
    headers: { allow: 'GET, POST' },
  })
}
