import { expect, test } from 'vitest'
import { parseJsonBody } from '../../src/http/request/json-body.ts'

test.each([
  '"🏃"',
  '"\\ud83d\\ude00"',
  '{"query":"{ node(id: \\"\\\\uD83D\\\\uDE00\\") { id } }"}',
  '"\\\\"',
  '"]]]]"',
  '"[[[["',
  '[[[]]]',
  '"\\"[[[["',
  '"a\\\\"',
])('valid JSON is accepted: %s', text => {
  expect(parseJsonBody(text, 3, 'it')).toEqual(JSON.parse(text))
})

test.each(['[[[[]]]]', '["\\"",[[[]]]]', '{"a":{"b":{"c":{}}}}', '[{"a":[{}]}]'])(
  'nesting is counted outside of strings: %s',
  text => {
    expect(() => parseJsonBody(text, 3, 'it')).toThrow('3 deep')
    expect(parseJsonBody(text, 4, 'it')).toEqual(JSON.parse(text))
  },
)

test('__proto__ in JSON is an ordinary key', () => {
  const value = parseJsonBody('{"__proto__":{"a":1}}', 3, 'it') as Record<string, unknown>
  expect(value.a).toBeUndefined()
  expect(Object.keys(value)).toEqual(['__proto__'])
})

test('a key has at most 512 characters, however it is written', () => {
  const keys = ['k'.repeat(512), '\\u006b'.repeat(512), '\\"'.repeat(512)]
  for (const key of keys) expect(parseJsonBody(`{"${key}":1}`, 3, 'it')).toEqual(JSON.parse(`{"${key}":1}`))
  for (const key of keys) expect(() => parseJsonBody(`[{"a":{"k${key}":1}}]`, 3, 'it')).toThrow('512 characters')
  expect(parseJsonBody(`{"a":"${'k'.repeat(5_000)}"}`, 3, 'it')).toHaveProperty('a')
})
