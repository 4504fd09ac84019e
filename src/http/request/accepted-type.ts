const JSON_TYPE = 'application/json'
const RESPONSE_TYPE = 'application/graphql-response+json'

const EXTENSION_TYPES: ReadonlyMap<string, string> = new Map([
  ['*/*', JSON_TYPE],
  ['application/*', JSON_TYPE],
  [JSON_TYPE, JSON_TYPE],
  [RESPONSE_TYPE, RESPONSE_TYPE],
])

/** Browsers send some hundred. To negotiate a type takes more than linear time. */
export const MAX_ACCEPT_CHARACTERS = 2_000

/** The media type of a response in one piece for this `Accept` header; undefined if Yoga has to decide. */
export function negotiateResponseType(accept: string | undefined): string | undefined {
  if (accept === undefined) return JSON_TYPE
  const known = EXTENSION_TYPES.get(accept)
  if (known) return known
  if (accept.length > MAX_ACCEPT_CHARACTERS) return undefined
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

/** How a stream of events is sent. */
export type StreamFormat = 'EVENT_STREAM' | 'MULTIPART'

/** The format of a subscription for this `Accept` header: the first one that it names; undefined if it names none of ours. */
export function streamFormat(accept: string | null): StreamFormat | undefined {
  for (const { type, parameters } of parseAccept(accept)) {
    if (isMatch(type, 'text/event-stream')) return 'EVENT_STREAM'
    if (type === 'multipart/mixed' && parameters.get('subscriptionspec') === '1.0') return 'MULTIPART'
  }
  return undefined
}

/** `V2022`: `path` and `label` in each part. `V2023`: `pending`, `incremental` and `completed`, with ids. */
export type IncrementalFormat = 'V2022' | 'V2023'

/** The format of a response in parts for this `Accept` header; undefined if it names none of ours. */
export function incrementalFormat(accept: string | null): IncrementalFormat | undefined {
  for (const { type, parameters } of parseAccept(accept)) {
    if (isMatch(type, 'text/event-stream')) return 'V2022'
    if (!isMatch(type, 'multipart/mixed')) continue
    const spec = parameters.get('incrementalspec')
    if (spec === 'v0.2') return 'V2023'
    if (spec === undefined && (parameters.get('deferspec') ?? '20220824') === '20220824') return 'V2022'
  }
  return undefined
}

const WHOLE = [JSON_TYPE, RESPONSE_TYPE, 'multipart/mixed', 'text/event-stream']

/** Whether this `Accept` header accepts a response in one piece. Yoga chooses the type by the same rules. */
export function acceptsWhole(accept: string | null): boolean {
  return parseAccept(accept).some(({ type }) => WHOLE.some(ours => isMatch(type, ours)))
}

interface AcceptedType {
  readonly type: string
  readonly parameters: ReadonlyMap<string, string>
}

/** The accepted types in the order of the header, without those in another charset than UTF-8. */
function parseAccept(accept: string | null): readonly AcceptedType[] {
  return (accept || '*/*')
    .replace(/\s/g, '')
    .toLowerCase()
    .split(',')
    .map(parseType)
    .filter(({ parameters }) => (parameters.get('charset') ?? 'utf-8') === 'utf-8')
}

function parseType(text: string): AcceptedType {
  const [type = '', ...parameters] = text.split(';')
  const pairs = parameters.map(parameter => {
    const [name = '', value = ''] = parameter.split('=')
    return [name, value.replace(/^"(.*)"$/, '$1')] as const
  })
  return { type, parameters: new Map(pairs) }
}

function isMatch(accepted: string, type: string): boolean {
  const [family, kind] = accepted.split('/')
  const [ourFamily, ourKind] = type.split('/')
  return (family === '*' || family === ourFamily) && (kind === '*' || kind === ourKind)
}
