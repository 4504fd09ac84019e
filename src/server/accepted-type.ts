const JSON_TYPE = 'application/json'
const RESPONSE_TYPE = 'application/graphql-response+json'

const OURS: ReadonlyMap<string, string> = new Map([
  ['*/*', JSON_TYPE],
  ['application/*', JSON_TYPE],
  [JSON_TYPE, JSON_TYPE],
  [RESPONSE_TYPE, RESPONSE_TYPE],
])

/** In which media type a whole answer goes to who accepts these; undefined where that takes a closer look. */
export function acceptedType(accept: string | undefined): string | undefined {
  if (accept === undefined) return JSON_TYPE
  const known = OURS.get(accept)
  if (known) return known
  for (const each of accept.toLowerCase().split(',')) {
    const [type = '', ...parameters] = each.split(';').map(part => part.trim())
    if (parameters.some(parameter => parameter.startsWith('charset')) || STREAMED.has(type)) return undefined
    const ours = OURS.get(type)
    if (ours) return ours
  }
  return undefined
}

/** What is sent in these is whole only by accident. */
const STREAMED = new Set(['text/event-stream'])
