import type { RawDelivery, WebhookKeys } from '../../providers/contract.ts'
import type { Account } from '../accounts/account.ts'

/** The text of a delivery, decrypted if the provider encrypts it and a key of the endpoint opens it. */
export async function decryptBody(
  account: Account | undefined,
  keys: Pick<WebhookKeys, 'privateKeys'>,
  raw: RawDelivery,
): Promise<string> {
  return (await account?.decryptWebhook?.(raw, keys)) ?? raw.body.toString()
}
