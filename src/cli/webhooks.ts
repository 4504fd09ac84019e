import { text } from 'node:stream/consumers'
import { Argument, type Command, Option } from 'commander'
import { DomainError } from '../domain/errors.ts'
import type { Provider } from '../domain/provider.ts'
import type { AddedEndpoint } from '../services/endpoints.ts'
import { type CliContext, toCount, toProvider, withHouse } from './cli.ts'

/** `sessiongraph webhooks`: where providers deliver to, and what they delivered. */
export function addWebhooks(program: Command, cli: CliContext): void {
  const command = program.command('webhooks').description('where providers deliver to, and what they delivered')

  command
    .command('add')
    .description('a new address for the deliveries of one provider; prints what to enter at its dashboard')
    .addArgument(new Argument('<provider>', 'the provider').argParser(toProvider))
    .option('--secret-stdin', "read the provider's signing secret from stdin; else one is made")
    .action((provider: Provider, options: { secretStdin?: boolean }) =>
      withHouse(cli, async ({ services }, call) => {
        const secrets = options.secretStdin ? [await readSecret()] : undefined
        cli.show([toRow(await services.endpoints.add(call, { provider, secrets }))])
      }),
    )

  command
    .command('rotate <id>')
    .description('makes another secret the first; the one before it stays live')
    .option('--secret-stdin', 'read the secret from stdin; else one is made')
    .action((id: string, options: { secretStdin?: boolean }) =>
      withHouse(cli, async ({ services }, call) => {
        const secret = options.secretStdin ? await readSecret() : undefined
        cli.show([toRow(await services.endpoints.rotate(call, id, secret))])
      }),
    )

  command
    .command('remove <id>')
    .description('answers 404 to deliveries from now on')
    .action((id: string) =>
      withHouse(cli, async ({ services }, call) => {
        await services.endpoints.remove(call, id)
        cli.show([{ removed: id }])
      }),
    )

  command
    .command('list')
    .description('the addresses, and the newest deliveries')
    .addOption(new Option('--limit <number>', 'how many deliveries at most').argParser(toCount).default(20))
    .action((options: { limit: number }) =>
      withHouse(cli, async ({ services }, call) => {
        const endpoints = await services.endpoints.list(call)
        const deliveries = await services.endpoints.deliveries(call, options.limit)
        cli.show([...endpoints.map(endpoint => toRow({ endpoint })), ...deliveries])
      }),
    )

  command
    .command('replay <deliveryId>')
    .description('applies a delivery again, as after a quarantine')
    .action((id: string) =>
      withHouse(cli, async ({ services }, call) => {
        await services.inbox.replay(call, id)
        await services.inbox.applyDue()
        cli.show([await services.endpoints.delivery(call, id)])
      }),
    )
}

async function readSecret(): Promise<string> {
  const secret = (await text(process.stdin)).trim()
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
