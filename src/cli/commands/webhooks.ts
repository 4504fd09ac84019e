import { type Command, Option } from 'commander'
import { DELIVERY_STATES, type Delivery, type DeliveryState } from '../../../db/repositories/webhook-repository.ts'
import { DomainError } from '../../domain/errors.ts'
import type { Provider } from '../../domain/provider.ts'
import { recordAudit } from '../../services/access/tenants.ts'
import type { AddedEndpoint } from '../../services/webhooks/webhook-endpoints.ts'
import { limitOption, providerArgument } from '../arguments.ts'
import { type CliContext, CliError, examples, formatCommand, withHint, withTenant } from '../cli.ts'

const ENDPOINT_ID = 'the id of the endpoint, as shown by `webhooks list`'
const DELIVERY_ID = 'the id of the delivery, as shown by `webhooks list`'
const LISTED = ['id', 'provider', 'event', 'receivedAt', 'error'] as const
const ENDPOINT = 'k3XvT0fJq1mWc8sYbR5uZg2e'
const DELIVERY = '01a1fc51-4540-7679-a16e-870c9ec09ee5'

/** `sessiongraph webhooks`: the endpoints for provider webhooks, and the received deliveries. */
export function addWebhooks(program: Command, cli: CliContext): void {
  const command = program
    .command('webhooks')
    .description('the endpoints for provider webhooks, and the received deliveries')

  command
    .command('add')
    .description("add an endpoint for one provider; prints the values for the provider's dashboard")
    .addArgument(providerArgument())
    .option('--secret-stdin', "read the provider's signing secret from stdin; default: a new one")
    .addHelpText(
      'after',
      examples('sessiongraph webhooks add kayle', 'sessiongraph webhooks add verilock --secret-stdin < secret.txt'),
    )
    .action((provider: Provider, options: { secretStdin?: boolean }) =>
      withTenant(cli, async ({ db, services }, call) => {
        const secrets = options.secretStdin ? [await readSecret(cli)] : undefined
        const added = await services.webhookEndpoints.add(call, { provider, secrets })
        await recordAudit(db, { ...call, action: 'webhook.add', at: new Date(), subject: added.endpoint.id })
        cli.show([toRow(added)])
      }),
    )

  command
    .command('rotate')
    .description('add a new first secret; the previous one stays valid')
    .argument('<id>', ENDPOINT_ID)
    .option('--secret-stdin', 'read the secret from stdin; default: a new one')
    .addHelpText('after', examples(`sessiongraph webhooks rotate ${ENDPOINT}`))
    .action((id: string, options: { secretStdin?: boolean }) =>
      withTenant(cli, async ({ db, services }, call) => {
        const secret = options.secretStdin ? await readSecret(cli) : undefined
        const rotated = await withListHint(cli, services.webhookEndpoints.rotate(call, id, secret))
        await recordAudit(db, { ...call, action: 'webhook.rotate', at: new Date(), subject: id })
        cli.show([toRow(rotated)])
      }),
    )

  command
    .command('remove')
    .description('remove an endpoint: deliveries to it get 404 from now on')
    .argument('<id>', ENDPOINT_ID)
    .addHelpText('after', examples(`sessiongraph webhooks remove ${ENDPOINT}`))
    .action((id: string) =>
      withTenant(cli, async ({ db, services }, call) => {
        await withListHint(cli, services.webhookEndpoints.remove(call, id))
        await recordAudit(db, { ...call, action: 'webhook.remove', at: new Date(), subject: id })
        cli.show([{ removed: id }])
      }),
    )

  command
    .command('list')
    .description('list the endpoints, and the newest deliveries; with --state only deliveries in it')
    .addOption(new Option('--state <state>', 'only deliveries in this state').choices(DELIVERY_STATES))
    .addOption(limitOption(20, 'deliveries'))
    .addHelpText(
      'after',
      examples('sessiongraph webhooks list --state QUARANTINED', 'sessiongraph webhooks list --tenant acme --limit 5'),
    )
    .action(({ state, limit }: { state?: DeliveryState; limit: number }) =>
      withTenant(cli, async ({ services }, call) => {
        const deliveries = await services.webhookEndpoints.deliveries(call, limit, state)
        if (state)
          return cli.show(deliveries.map(toDeliveryRow), { empty: `No deliveries in state ${state}.`, only: LISTED })
        const endpoints = await services.webhookEndpoints.list(call)
        cli.show([...endpoints.map(endpoint => toRow({ endpoint })), ...deliveries.map(toDeliveryRow)], {
          empty: `No endpoints and no deliveries. Add an endpoint with ${formatCommand(cli, 'webhooks add <provider>')}.`,
        })
      }),
    )

  command
    .command('show')
    .description('show a delivery: its event, state and number of attempts, without its content')
    .argument('<deliveryId>', DELIVERY_ID)
    .addHelpText('after', examples(`sessiongraph webhooks show ${DELIVERY}`))
    .action((id: string) =>
      withTenant(cli, async ({ services }, call) =>
        cli.show([toDeliveryRow(await withListHint(cli, services.webhookEndpoints.delivery(call, id)))]),
      ),
    )

  command
    .command('replay')
    .description('apply a delivery again after fixing the cause of its failure')
    .argument('<deliveryId>', DELIVERY_ID)
    .addHelpText('after', examples(`sessiongraph webhooks replay ${DELIVERY}`))
    .action((id: string) =>
      withTenant(cli, async (app, call) => {
        const { services } = app
        await withListHint(cli, services.webhookEndpoints.delivery(call, id))
        await recordAudit(app.db, { ...call, action: 'webhook.replay', at: new Date(), subject: id })
        const delivery = await services.webhookInbox.replay(call, id)
        if (!delivery) throw new CliError('ERASED', 'The delivery was deleted, because it is about an erased person.')
        cli.show([toDeliveryRow(delivery)])
        if (delivery.state !== 'APPLIED') throw toReplayFailure(delivery)
      }),
    )

  command
    .command('dismiss')
    .description('end the quarantine of a delivery that does not matter, without applying it')
    .argument('<deliveryId>', DELIVERY_ID)
    .usage('<deliveryId> --note <note> [options]')
    .requiredOption('--note <note>', 'why it does not matter, without personal data')
    .addHelpText('after', examples(`sessiongraph webhooks dismiss ${DELIVERY} --note "a test of the provider"`))
    .action((id: string, { note }: { note: string }) =>
      withTenant(cli, async (app, call) => {
        const { services } = app
        await withListHint(cli, services.webhookEndpoints.delivery(call, id))
        await recordAudit(app.db, { ...call, action: 'webhook.dismiss', at: new Date(), subject: id })
        cli.show([{ ...toDeliveryRow(await services.webhookInbox.dismiss(call, id, { note, actor: 'cli' })), note }])
      }),
    )
}

/** Without what only the database knows: the ids of the tenant and of the account. */
function toDeliveryRow({ tenantId: _tenant, accountId: _account, ...delivery }: Delivery) {
  return delivery
}

function toReplayFailure({ state, error, nextAttemptAt }: Delivery): CliError {
  const next = state === 'STORED' && nextAttemptAt ? ` The server tries again at ${nextAttemptAt.toISOString()}.` : ''
  const reason = error?.message ?? 'Another process is applying it.'
  return new CliError('REPLAY_FAILED', `The delivery was not applied. ${reason}${next}`)
}

/** Adds the list command to the message of a missing endpoint or delivery. */
function withListHint<T>(cli: CliContext, found: Promise<T>): Promise<T> {
  return withHint(found, `${formatCommand(cli, 'webhooks list')} shows all endpoints and deliveries.`)
}

async function readSecret(cli: CliContext): Promise<string> {
  const secret = (await cli.stdin()).trim()
  if (secret.length < 8) throw new DomainError('BAD_REQUEST', 'Expected a secret of at least 8 characters on stdin.')
  return secret
}

/** The values for the provider's dashboard; the path is relative to the server's address. */
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
