import { randomUUID } from 'node:crypto'
import { DomainError, type ErrorCode, NotFoundError, ProviderRejectedError } from '../domain/errors.ts'
import type { ProviderClient } from '../providers/contract.ts'
import type { Account } from './accounts.ts'

export interface Probe {
  readonly ok: boolean
  /** What is right or wrong, in a sentence. */
  readonly says: string
  /** What the read failed with. */
  readonly code?: ErrorCode
}

/** Makes one harmless read at the provider and says what came of it. */
export async function probe(account: Account): Promise<Probe> {
  const { provider } = account
  try {
    await readSomething(account.client)
    return { ok: true, says: `${provider} answers, takes the credentials and keeps its contract.` }
  } catch (error) {
    if (!(error instanceof DomainError)) throw error
    const { code } = error
    return { ok: false, code, says: `${provider} ${WRONG[code] ?? `answered ${code} to a harmless read`}.` }
  }
}

const WRONG: Partial<Record<ErrorCode, string>> = {
  NOT_FOUND: 'is not at this address: there is a server, and it has no such path',
  PROVIDER_AUTH_FAILED: 'answers and refuses the credentials',
  PROVIDER_CONTRACT_BROKEN: 'is not at this address, or speaks another version: what answers breaks its contract',
  PROVIDER_RATE_LIMITED: 'answers and asks for fewer calls; try again later',
  PROVIDER_REJECTED: 'answers and refuses a harmless read',
  PROVIDER_UNAVAILABLE: 'cannot be reached at this address, or is down',
}

async function readSomething(client: ProviderClient): Promise<void> {
  if (client.listSessions) await client.listSessions({ limit: 1 }, {})
  else if (client.listCustomers) await client.listCustomers({ limit: 1 }, {})
  else await askForNothing(client)
}

/** Where nothing can be listed, a record that cannot be there is asked for: that there is none, or none can be, is the right answer. */
async function askForNothing(client: ProviderClient): Promise<void> {
  const ref = { providerId: randomUUID() }
  try {
    await client.getApplicant?.(ref, {})
  } catch (error) {
    if (!(error instanceof NotFoundError || error instanceof ProviderRejectedError)) throw error
  }
}
