import type { Asked } from './asked.ts'
import { refuse } from './refusal.ts'

const EXPECTED = 'Expected a body of "content-type: application/json" in UTF-8, not encoded.'

/** JSON in UTF-8 and nothing else: no forms, no multipart, no compression. */
export function checkMediaType({ header }: Asked): void {
  const [type, ...parameters] = (header('content-type') ?? '').split(';').map(part => part.trim().toLowerCase())
  const charset = parameters.find(parameter => parameter.startsWith('charset='))
  const encoding = header('content-encoding')?.trim().toLowerCase() ?? 'identity'
  const isUtf8 = charset === undefined || /^charset="?utf-?8"?$/.test(charset)
  if (type === 'application/json' && isUtf8 && encoding === 'identity') return
  throw refuse('UNSUPPORTED_MEDIA_TYPE', EXPECTED, { status: 415, headers: { 'accept-post': 'application/json' } })
}
