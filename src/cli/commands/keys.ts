import { type Command, InvalidArgumentError, Option } from 'commander'
import type { AppContainer } from '../../app/container.ts'
import { type ApiKey, COST_PER_MINUTE_RANGE } from '../../domain/access/api-key.ts'
import { SCOPES, type Scope } from '../../domain/access/caller.ts'
import { tenantArgument } from '../arguments.ts'
import { type CliContext, examples, type TenantCall, withHint, withTenant } from '../cli.ts'

const DAY_MS = 86_400_000
const COST_RANGE = `${COST_PER_MINUTE_RANGE.min} to ${COST_PER_MINUTE_RANGE.max}`

interface NewKeyOptions {
  readonly name?: string
  readonly scopes?: readonly Scope[]
  readonly expires: Date | null
  readonly costPerMinute?: number
}

/** `sessiongraph keys`: the API keys of a tenant. A key is shown once, when it is created. */
export function addKeys(program: Command, cli: CliContext): void {
  const command = program.command('keys').description('the API keys of a tenant')

  command
    .command('create')
    .description('create a key for a tenant; it is shown only once')
    .addArgument(tenantArgument())
    .usage('<tenant> --name <name> --scopes <scopes> [options]')
    .option('--name <name>', 'its purpose, as a display name, required')
    .addOption(
      new Option(
        '--scopes <scopes>',
        `its scopes, required: "all", or a comma-separated list of ${SCOPES.join(', ')}`,
      ).argParser(toScopes),
    )
    .addOption(
      new Option('--expires <when>', 'days such as 90d, a time such as 2027-01-31T00:00:00Z, or "never"')
        .argParser(toEnd)
        .default(null, 'never'),
    )
    .addOption(
      new Option(
        '--cost-per-minute <cost>',
        `its own budget, with its client tokens, ${COST_RANGE}; COST_PER_MINUTE if left out`,
      ).argParser(toCost),
    )
    .addHelpText(
      'after',
      examples(
        'sessiongraph keys create acme --name web --scopes sessions:read,session:access',
        'sessiongraph keys create acme --name ops --scopes all --expires 90d',
        'sessiongraph keys create acme --name app --scopes sessions:read --cost-per-minute 6000',
      ),
    )
    .action((tenantId: string, { name, scopes, expires, costPerMinute }: NewKeyOptions, self: Command) => {
      if (!name || !scopes) return self.error('error: expected --name <name> and --scopes <scopes>')
      const wanted = { name, scopes, expiresAt: expires, costPerMinute }
      const make = async ({ services }: AppContainer, call: TenantCall) => {
        const { apiKey, key } = await services.keys.create(call, wanted)
        cli.show([{ key, ...toRow(apiKey) }])
      }
      return withTenant(cli, make, tenantId)
    })

  command
    .command('limit')
    .description('set what a key and its client tokens may cost per minute; requests have it within two seconds')
    .addArgument(tenantArgument())
    .argument('<id>', 'the id of the key, as shown by `keys list`')
    .argument('<cost>', `${COST_RANGE}, or "default" for COST_PER_MINUTE`, toCostOrDefault)
    .addHelpText('after', examples('sessiongraph keys limit acme 01a1fc51-4540-7679-a16e-870c9ec09ee5 6000'))
    .action((tenantId: string, id: string, costPerMinute: number | null) => {
      const limit = async ({ services }: AppContainer, call: TenantCall) => {
        const hint = `\`sessiongraph keys list ${tenantId}\` shows all keys.`
        await withHint(services.keys.limit(call, id, costPerMinute), hint)
        cli.show([{ limited: id, costPerMinute }])
      }
      return withTenant(cli, limit, tenantId)
    })

  command
    .command('list')
    .description('list the keys of a tenant, with their prefixes, limits and approximate last use')
    .addArgument(tenantArgument())
    .addHelpText('after', examples('sessiongraph keys list acme'))
    .action((tenantId: string) =>
      withTenant(
        cli,
        async ({ services }, call) =>
          cli.show((await services.keys.list(call)).map(toRow), { empty: 'The tenant has no API keys.' }),
        tenantId,
      ),
    )

  command
    .command('revoke')
    .description('revoke a key, its client tokens and their streams within seconds')
    .addArgument(tenantArgument())
    .argument('<id>', 'the id of the key, as shown by `keys list`')
    .addHelpText('after', examples('sessiongraph keys revoke acme 01a1fc51-4540-7679-a16e-870c9ec09ee5'))
    .action((tenantId: string, id: string) => {
      const revoke = async ({ services }: AppContainer, call: TenantCall) => {
        await withHint(services.keys.revoke(call, id), `\`sessiongraph keys list ${tenantId}\` shows all keys.`)
        cli.show([{ revoked: id }])
      }
      return withTenant(cli, revoke, tenantId)
    })
}

function toScopes(value: string): readonly Scope[] {
  if (value === 'all') return SCOPES
  return value.split(',').map(name => {
    const scope = SCOPES.find(known => known === name.trim())
    if (!scope) throw new InvalidArgumentError(`Expected "all" or some of ${SCOPES.join(', ')}.`)
    return scope
  })
}

function toCost(value: string): number {
  const cost = /^\d{1,10}$/.test(value) ? Number(value) : 0
  if (cost < COST_PER_MINUTE_RANGE.min || cost > COST_PER_MINUTE_RANGE.max) {
    throw new InvalidArgumentError(`Expected a whole number from ${COST_RANGE}.`)
  }
  return cost
}

function toCostOrDefault(value: string): number | null {
  return value === 'default' ? null : toCost(value)
}

function toEnd(value: string): Date | null {
  if (value === 'never') return null
  const [, days] = /^(\d{1,4})d$/.exec(value) ?? []
  const end = days ? new Date(Date.now() + Number(days) * DAY_MS) : new Date(value)
  if (Number.isNaN(end.getTime())) throw new InvalidArgumentError('Expected days such as 90d, a time, or "never".')
  return end
}

function toRow({
  id,
  tenantId,
  name,
  prefix,
  scopes,
  costPerMinute,
  expiresAt,
  revokedAt,
  lastUsedAt,
  createdAt,
}: ApiKey) {
  return {
    id,
    tenant: tenantId,
    name,
    prefix: `${prefix}…`,
    scopes: scopes.join(' '),
    costPerMinute,
    expiresAt: expiresAt?.toISOString() ?? null,
    revokedAt: revokedAt?.toISOString() ?? null,
    lastUsedAt: lastUsedAt?.toISOString() ?? null,
    createdAt: createdAt.toISOString(),
  }
}
