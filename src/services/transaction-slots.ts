import { DatabaseUnavailableError } from '../../db/core/database-error.ts'
import { CallDeadline } from '../upstream/call-deadline.ts'
import { type CallSlots, createCallSlots } from '../upstream/call-slots.ts'

/**
 * Limits the transactions in progress, of a tenant and of all: a transaction that waits for the lock of another one holds a
 * connection, and the reads of all tenants need some. SQLite runs one writing transaction at a time and needs no limit.
 */
export interface TransactionSlots {
  /** Runs the transaction once it has a slot. Throws OVERLOADED if it has waited too long for one. */
  run<T>(tenantId: string, transaction: () => Promise<T>): Promise<T>
}

export const UNLIMITED_TRANSACTIONS: TransactionSlots = { run: (_tenantId, transaction) => transaction() }

export interface TransactionSlotsOptions {
  /** The connections of the pool. Transactions have three quarters of them, those of one tenant half. */
  readonly connections: number
  /** The longest wait for a slot. */
  readonly waitMs: number
}

interface SlotsOfTenant {
  readonly slots: CallSlots
  /** The transactions that have a slot or wait for one. */
  users: number
}

export function createTransactionSlots({ connections, waitMs }: TransactionSlotsOptions): TransactionSlots {
  const slotsOfAll = createCallSlots(Math.max(1, Math.floor((connections * 3) / 4)), Number.POSITIVE_INFINITY)
  const perTenant = Math.max(1, Math.floor(connections / 2))
  const tenants = new Map<string, SlotsOfTenant>()

  function open(tenantId: string): SlotsOfTenant {
    const known = tenants.get(tenantId)
    if (known) return known
    const opened = { slots: createCallSlots(perTenant, Number.POSITIVE_INFINITY), users: 0 }
    tenants.set(tenantId, opened)
    return opened
  }

  async function take(slots: CallSlots, deadline: CallDeadline): Promise<void> {
    try {
      await slots.take(deadline)
    } catch {
      throw new DatabaseUnavailableError('BUSY')
    }
  }

  async function runWithSlotOfAll<T>(deadline: CallDeadline, transaction: () => Promise<T>): Promise<T> {
    await take(slotsOfAll, deadline)
    try {
      deadline.clear()
      return await transaction()
    } finally {
      slotsOfAll.release()
    }
  }

  async function runOfTenant<T>({ slots }: SlotsOfTenant, transaction: () => Promise<T>): Promise<T> {
    const deadline = new CallDeadline(waitMs)
    await take(slots, deadline)
    try {
      return await runWithSlotOfAll(deadline, transaction)
    } finally {
      slots.release()
    }
  }

  return {
    run: async (tenantId, transaction) => {
      const tenant = open(tenantId)
      tenant.users++
      try {
        return await runOfTenant(tenant, transaction)
      } finally {
        if (--tenant.users === 0) tenants.delete(tenantId)
      }
    },
  }
}
