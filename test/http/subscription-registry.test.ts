import { describe, expect, test } from 'vitest'
import type { Caller, Subject } from '../../src/domain/access/caller.ts'
import {
  createSubscriptionRegistry,
  MAX_SUBSCRIPTIONS_PER_KEY,
  MAX_SUBSCRIPTIONS_PER_TOKEN,
} from '../../src/http/subscriptions/registry.ts'

function callerOf(keyId: string, subject: Subject | null): Caller {
  return { tenantId: 'dev', keyId, scopes: new Set(), costPerMinute: null, subject, expiresAt: null }
}

describe('open subscriptions', () => {
  test('of all client tokens of a key count together, and those of each subject have their own limit', () => {
    const registry = createSubscriptionRegistry(async () => true)
    const subjects = MAX_SUBSCRIPTIONS_PER_KEY / MAX_SUBSCRIPTIONS_PER_TOKEN
    const open = Array.from({ length: subjects }, (_, index) =>
      callerOf('key', { externalId: `user-${index}` }),
    ).flatMap(caller => Array.from({ length: MAX_SUBSCRIPTIONS_PER_TOKEN }, () => registry.open(caller, {})))
    expect(open).not.toContain(undefined)
    expect(registry.count()).toBe(MAX_SUBSCRIPTIONS_PER_KEY)
    expect(registry.open(callerOf('key', { externalId: 'another' }), {})).toBeUndefined()
    expect(registry.open(callerOf('key', null), {})).toBeUndefined()
    const other = registry.open(callerOf('another key', null), {})
    expect(other).toBeDefined()
    open[0]?.end()
    expect(
      registry.open(callerOf('key', { externalId: 'user-1' }), {}),
      'the subject has its own limit',
    ).toBeUndefined()
    expect(registry.open(callerOf('key', { externalId: 'user-0' }), {})).toBeDefined()
    registry.end('CLOSING')
    expect(registry.count()).toBe(0)
  })
})
