import { mistypedAt, withUnknownFields } from '../../documents/mutate.ts'
import { FREE_TEXT, type Subject } from '../create-subjects.ts'
import { type Behaviour, BROKEN, type Outcome, REJECTED, type RequestedOperation, SUCCEEDED } from './behaviour.ts'
import { HTML, http, withAt, withRaw } from './responses.ts'

export const bodies: readonly Behaviour[] = [
  body('HTML', BROKEN, () => HTML),
  body('{}', BROKEN, () => '{}'),
  body('nothing', BROKEN, () => ''),
  body('null', BROKEN, () => 'null'),
  body('a text', BROKEN, () => '"ok"'),
  body('a list', BROKEN, () => '[]'),
  body('a list with the success in it', BROKEN, ({ made }) => JSON.stringify([made])),
  body('truncated JSON', BROKEN, ({ made }) => JSON.stringify(made).slice(0, -1)),
  body('two JSON values', BROKEN, ({ made }) => `${JSON.stringify(made)}\n${JSON.stringify(made)}`),
  body('JSON in UTF-16', BROKEN, ({ made }) => Buffer.from(JSON.stringify(made), 'utf16le')),
  body('lists in lists, 50,000 deep', BROKEN, () => '['.repeat(50_000) + ']'.repeat(50_000)),
  body('NaN where a value belongs', BROKEN, ({ made, subject }) => withRaw(made, subject.optional, 'NaN')),
  body('its own error envelope', readsRefusal, ({ subject }) => JSON.stringify(subject.refusal(400))),
  body('a status field with "error"', readsRefusal, () => JSON.stringify({ status: 'error', response: FREE_TEXT })),
  body('no id', BROKEN, ({ made, subject }) => JSON.stringify(withAt(made, subject.id))),
  body('null for an id', BROKEN, ({ made, subject }) => JSON.stringify(withAt(made, subject.id, null))),
  body('an id of a wrong type', BROKEN, ({ made, subject }) => JSON.stringify(mistypedAt(made, subject.id))),
  body('an id of a wrong form', BROKEN, ({ made, subject }) =>
    JSON.stringify(withAt(made, subject.id, subject.wrongId)),
  ),
  body('an id without an end', BROKEN, ({ made, subject }) =>
    JSON.stringify(withAt(made, subject.id, `https://example.com/${'1'.repeat(9999)}`)),
  ),
  body('an optional field of a wrong type', SUCCEEDED, ({ made, subject }) =>
    JSON.stringify(mistypedAt(made, subject.optional)),
  ),
  body('a number that is too large', SUCCEEDED, ({ made, subject }) => withRaw(made, subject.optional, '1e999')),
  body('unknown fields', SUCCEEDED, ({ made }) => JSON.stringify(withUnknownFields(made))),
  body('an unknown field nested 50,000 deep', SUCCEEDED, ({ made }) =>
    withRaw({ ...made, deep: 0 }, ['deep'], '['.repeat(50_000) + ']'.repeat(50_000)),
  ),
  body('keys named as parts of a prototype', SUCCEEDED, ({ made }) =>
    withRaw(
      { ...made, constructor: { prototype: { polluted: true } }, toString: 1, hasOwnProperty: null, own: 0 },
      ['own'],
      '0, "__proto__": {"polluted": true}',
    ),
  ),
]

/** Only Personr documents errors with status 200. */
function readsRefusal({ provider }: Subject): Outcome {
  return provider === 'PERSONR' ? REJECTED : BROKEN
}

function body(
  name: string,
  becomes: Behaviour['becomes'],
  write: (requests: RequestedOperation) => string | Buffer,
): Behaviour {
  return { name: `200 with ${name}`, becomes, answers: requests => [http(200, write(requests))] }
}
