import type { z } from 'zod'

/** What a setting's value has to be, for the issues whose schema has no message of its own. Values are not repeated. */
export function describeSettingIssue(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case 'invalid_value':
      return `Expected ${alternatives(issue.values.map(value => JSON.stringify(value)))}.`
    case 'invalid_type':
      return issue.expected === 'int' ? 'Expected a whole number.' : `Expected a ${issue.expected}.`
    case 'too_small':
      return `Expected ${issue.inclusive === false ? 'more than' : 'at least'} ${sizeOf(issue.minimum, issue.origin)}.`
    case 'too_big':
      return `Expected ${issue.inclusive === false ? 'less than' : 'at most'} ${sizeOf(issue.maximum, issue.origin)}.`
    case 'invalid_format':
      return issue.format === 'url' ? 'Expected a URL.' : `Expected the format ${issue.format}.`
    default:
      return 'Expected another value.'
  }
}

function sizeOf(size: number | bigint, origin: string): string {
  return origin === 'string' ? `${size} characters` : String(size)
}

function alternatives(values: readonly string[]): string {
  return values.length < 2 ? values.join('') : `${values.slice(0, -1).join(', ')} or ${values.at(-1)}`
}
