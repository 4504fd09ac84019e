import type { Database } from '../../../db/core/database.ts'
import { findSecrets, saveSecret } from '../../../db/repositories/secret-repository.ts'
import type { Abilities } from '../../providers/contract.ts'

/** How long a missing ability is cached before it is tried again. */
const CACHE_TTL_MS = 24 * 60 * 60 * 1000

const NAME = 'missing abilities'

export interface StoredAbilities extends Abilities {
  /** The missing abilities with the time of their discovery, oldest first. */
  missing(): readonly MissingAbility[]
  /** Loads what other processes found out. */
  take(stored: string | undefined): void
}

export interface MissingAbility {
  readonly ability: string
  readonly since: Date
}

/** The optional abilities of one account: discovered once, stored for all processes. */
export function createAbilities(db: Database, accountId: string, now: () => Date): StoredAbilities {
  let missing: ReadonlyMap<string, number> = new Map()

  function has(ability: string): boolean {
    const since = missing.get(ability)
    return since === undefined || now().getTime() - since >= CACHE_TTL_MS
  }

  async function lacks(ability: string): Promise<void> {
    missing = new Map([...missing, [ability, now().getTime()]])
    await save()
  }

  async function found(ability: string): Promise<void> {
    if (!missing.has(ability)) return
    missing = new Map([...missing].filter(([each]) => each !== ability))
    await save()
  }

  function save(): Promise<void> {
    return saveSecret(db, accountId, NAME, JSON.stringify([...missing]), now())
  }

  return {
    has,
    lacks,
    found,
    missing: () => [...missing].map(([ability, since]) => ({ ability, since: new Date(since) })),
    take: stored => {
      missing = new Map(stored ? (JSON.parse(stored) as [string, number][]) : [])
    },
  }
}

/** Loads the stored abilities of these accounts. */
export async function loadAbilities(
  db: Database,
  accounts: readonly { readonly id: string; readonly abilities: StoredAbilities }[],
): Promise<void> {
  const stored = await findSecrets(
    db,
    accounts.map(({ id }) => id),
    NAME,
  )
  for (const { id, abilities } of accounts) abilities.take(stored.get(id))
}
