import type { Command } from 'commander'
import { DomainError } from '../domain/errors.ts'
import type { Provider } from '../domain/provider.ts'
import type { AddedEndpoint } from '../services/endpoints.ts'
import { limitOption, providerArgument } from './arguments.ts'
import { writeDown } from './audit.ts'
import { type CliContext, examples, orAdvise, typed, withTenant } from './cli.ts'

const ENDPOINT_ID = 'the id of the address, as `webhooks list` shows it'
const DELIVERY_ID = 'the id of the delivery, as `webhooks list` shows it'
const ENDPOINT = 'k3XvT0fJq1mWc8sYbR5uZg2e'
const DELIVERY = '01a1fc51-4540-7679-a16e-870c9ec09ee5'

/** `sessiongraph webhooks`: where providers deliver to, and what they delivered. */
export function addWebhooks(program: Command, cli: CliContext): void {
  const command = program.command('webhooks').description('where providers deliver to, and what they delivered')

  command
    .command('add')
    .description('a new address for the deliveries of one provider; prints what to enter at its dashboard')
    .addArgument(providerArgument())
    .option('--secret-stdin', "read the provider's signing secret from stdin; else one is made")
    .addHelpText(
      'after',
      examples('sessiongraph webhooks add kayle', 'sessiongraph webhooks add verilock --secret-stdin < secret.txt'),
    )
    .action((provider: Provider, options: { secretStdin?: boolean }) =>
      withTenant(cli, async ({ services }, call) => {
        const secrets = options.secretStdin ? [await readSecret(cli)] : undefined
        cli.show([toRow(await services.endpoints.add(call, { provider, secrets }))])
      }),
    )

  command
    .command('rotate')
    .description('makes another secret the first; the one before it stays live')
    .argument('<id>', ENDPOINT_ID)
    .option('--secret-stdin', 'read the secret from stdin; else one is made')
    .addHelpText('after', examples(`sessiongraph webhooks rotate ${ENDPOINT}`))
    .action((id: string, options: { secretStdin?: boolean }) =>
      withTenant(cli, async ({ services }, call) => {
        const secret = options.secretStdin ? await readSecret(cli) : undefined
        cli.show([toRow(await orList(cli, services.endpoints.rotate(call, id, secret)))])
      }),
    )

  command
    .command('remove')
    .description('closes an address: deliveries to it are answered 404 from now on')
    .argument('<id>', ENDPOINT_ID)
    .addHelpText('after', examples(`sessiongraph webhooks remove ${ENDPOINT}`))
    .action((id: string) =>
      withTenant(cli, async ({ services }, call) => {
        await orList(cli, services.endpoints.remove(call, id))
        cli.show([{ removed: id }])
      }),
    )

  command
    .command('list')
    .description('the addresses, and the newest deliveries')
    .addOption(limitOption(20, 'deliveries'))
    .addHelpText('after', examples('sessiongraph webhooks list', 'sessiongraph webhooks list --tenant acme --limit 5'))
    .action((options: { limit: number }) =>
      withTenant(cli, async ({ services }, call) => {
        const endpoints = await services.endpoints.list(call)
        const deliveries = await services.endpoints.deliveries(call, options.limit)
        cli.show([...endpoints.map(endpoint => toRow({ endpoint })), ...deliveries])
      }),
    )

  command
    .command('show')
    .description('one delivery: what it was called, its state and how often it was tried; not what was in it')
    .argument('<deliveryId>', DELIVERY_ID)
    .addHelpText('after', examples(`sessiongraph webhooks show ${DELIVERY}`))
    .action((id: string) =>
      withTenant(cli, async ({ services }, call) =>
        cli.show([await orList(cli, services.endpoints.delivery(call, id))]),
      ),
    )

  command
    .command('replay')
    .description('applies a delivery again, once what kept it from being applied is mended')
    .argument('<deliveryId>', DELIVERY_ID)
    .addHelpText('after', examples(`sessiongraph webhooks replay ${DELIVERY}`))
    .action((id: string) =>
      withTenant(cli, async (house, call) => {
        const { services } = house
        await orList(cli, services.endpoints.delivery(call, id))
        await writeDown(house, call, 'webhook.replay', id)
        await services.inbox.replay(call, id)
        await services.inbox.applyDue()
        cli.show([await services.endpoints.delivery(call, id)])
      }),
    )
}

/** What was looked for, or where it would be shown. */
function orList<T>(cli: CliContext, found: Promise<T>): Promise<T> {
  return orAdvise(found, `${typed(cli, 'webhooks list')} shows those there are.`)
}

async function readSecret(cli: CliContext): Promise<string> {
  const secret = (await cli.stdin()).trim()
  if (secret.length < 8) throw new DomainError('BAD_REQUEST', 'Expected a secret of at least 8 characters on stdin.')
  return secret
}

/** What is entered at the provider's dashboard, behind the address of this server. */
function toRow({ endpoint, secret, publicJwk }: AddedEndpoint) {
  const { id, provider, secrets, createdAt, lastReceivedAt } = endpoint
  return {
    id,
    path: `/webhooks/${provider.toLowerCase()}/${id}`,
    provider,
    ...(secret && { secret }),
    ...(publicJwk && { keyId: publicJwk.kid, publicJwk }),
    liveSecrets: secrets.length,
    createdAt: createdAt.toISOString(),
    lastReceivedAt: lastReceivedAt?.toISOString() ?? null,
  }
}
