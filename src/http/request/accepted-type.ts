const JSON_TYPE = 'application/json'
const RESPONSE_TYPE = 'application/graphql-response+json'

const EXTENSION_TYPES: ReadonlyMap<string, string> = new Map([
  ['*/*', JSON_TYPE],
  ['application/*', JSON_TYPE],
  [JSON_TYPE, JSON_TYPE],
  [RESPONSE_TYPE, RESPONSE_TYPE],
])

/** The media type of a response in one piece for this `Accept` header; undefined if Yoga has to decide. */
export function negotiateResponseType(accept: string | undefined): string | undefined {
  if (accept === undefined) return JSON_TYPE
  const known = EXTENSION_TYPES.get(accept)
  if (known) return known
  for (const each of accept.toLowerCase().split(',')) {
    const [type = '', ...parameters] = each.split(';').map(part => part.trim())
    if (parameters.some(parameter => parameter.startsWith('charset')) || STREAMED.has(type)) return undefined
    const ours = EXTENSION_TYPES.get(type)
    if (ours) return ours
  }
  return undefined
}

/** A response of these types is in one piece only by chance. */
const STREAMED = new Set(['text/event-stream'])

/** A response in one piece, in parts of one operation, or as a stream of events. */
export type ResponseForm = 'PARTS' | 'STREAM' | 'WHOLE'

const TYPES: Readonly<Record<ResponseForm, readonly string[]>> = {
  PARTS: ['multipart/mixed', 'text/event-stream'],
  STREAM: ['text/event-stream'],
  WHOLE: [JSON_TYPE, RESPONSE_TYPE, 'multipart/mixed', 'text/event-stream'],
}

/** Whether this `Accept` header accepts a response of that form. Yoga chooses the type by the same rules. */
export function isAccepted(accept: string | null, form: ResponseForm): boolean {
  const accepted = (accept || '*/*').replace(/\s/g, '').toLowerCase().split(',').filter(isUtf8)
  return accepted.some(each => TYPES[form].some(type => isMatch(each.split(';')[0] ?? '', type)))
}

function isUtf8(accepted: string): boolean {
  const [, ...parameters] = accepted.split(';')
  const charset = parameters.find(parameter => parameter.includes('charset='))
  return charset === undefined || charset === 'charset=utf-8'
}

function isMatch(accepted: string, type: string): boolean {
  const [family, kind] = accepted.split('/')
  const [ourFamily, ourKind] = type.split('/')
  return (family === '*' || family === ourFamily) && (kind === '*' || kind === ourKind)
}
