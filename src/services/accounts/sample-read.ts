import { randomUUID } from 'node:crypto'
import { NotFoundError, ProviderRejectedError } from '../../domain/errors.ts'
import type { ProviderClient } from '../../providers/contract.ts'

/** True if the provider has a read that needs no known id. */
export function hasSampleRead({ listSessions, listCustomers, getApplicant }: ProviderClient): boolean {
  return Boolean(listSessions ?? listCustomers ?? getApplicant)
}

/** Makes a read that has no cost. Throws the error of the read. */
export async function readSample(client: ProviderClient): Promise<void> {
  if (client.listSessions) await client.listSessions({ limit: 1 }, {})
  else if (client.listCustomers) await client.listCustomers({ limit: 1 }, {})
  else await readMissing(client)
}

/** Without a list, reads a record that cannot exist: NOT_FOUND or a rejection is then the expected answer. */
async function readMissing(client: ProviderClient): Promise<void> {
  const ref = { providerId: randomUUID() }
  try {
    await client.getApplicant?.(ref, {})
  } catch (error) {
    if (!(error instanceof NotFoundError || error instanceof ProviderRejectedError)) throw error
  }
}
