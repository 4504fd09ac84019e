import type { Command } from 'commander'
import { toVariable } from '../config.ts'
import { DomainError } from '../domain/errors.ts'
import type { Provider } from '../domain/provider.ts'
import type { House } from '../house.ts'
import { probe } from '../services/probe.ts'
import { adviceOn } from './advice.ts'
import { providerArgument, tenantArgument } from './arguments.ts'
import { type CliContext, CliError, examples, type TenantCall, withTenant } from './cli.ts'

/** `sessiongraph providers`: each tenant's own accounts at the providers. Secrets come from stdin and are never shown. */
export function addProviders(program: Command, cli: CliContext): void {
  const command = program.command('providers').description("each tenant's own accounts at the providers")
  const aboutOne = (name: string) => command.command(name).addArgument(tenantArgument()).addArgument(providerArgument())

  aboutOne('set')
    .description('sets the account from stdin: a JSON object, or a line KEY=VALUE for each setting')
    .option('--another', 'it is another account than the one before: their records never meet')
    .option('--sandbox', 'the sandbox, which all tenants that have it share; development only')
    .addHelpText(
      'after',
      examples('sessiongraph providers set acme kayle < kayle.env', 'sessiongraph providers set acme yorlet --sandbox'),
    )
    .action((tenantId: string, provider: Provider, options: { another?: boolean; sandbox?: boolean }) => {
      const set = async ({ services: { providerSettings } }: House, call: TenantCall) => {
        if (options.sandbox) await providerSettings.setSandbox(call, provider)
        else {
          const given = readSettings(provider, await cli.stdin())
          await providerSettings.set(call, { provider, given, another: options.another })
        }
        cli.show((await providerSettings.list(call)).filter(account => account.provider === provider))
      }
      return withTenant(cli, set, tenantId)
    })

  aboutOne('test')
    .description('makes one harmless read and says what is right or wrong')
    .addHelpText('after', examples('sessiongraph providers test acme kayle'))
    .action((tenantId: string, provider: Provider) => {
      const test = async ({ services }: House, call: TenantCall) => {
        const account = await services.accounts.get(tenantId, provider)
        const { ok, says, code = 'BAD_REQUEST' } = await probe(account)
        const shown = (await services.providerSettings.list(call)).find(each => each.provider === provider)
        if (!ok) throw new CliError(code, `${says} ${adviceOn(code, account, shown?.from ?? null)}`.trimEnd())
        cli.show([{ tenant: tenantId, provider, says }])
      }
      return withTenant(cli, test, tenantId)
    })

  aboutOne('remove')
    .description('forgets the account; its records stay readable')
    .addHelpText('after', examples('sessiongraph providers remove acme kayle'))
    .action((tenantId: string, provider: Provider) => {
      const remove = async ({ services }: House, call: TenantCall) => {
        const accountId = await services.providerSettings.remove(call, provider)
        cli.show([{ tenant: tenantId, provider, removed: accountId }])
      }
      return withTenant(cli, remove, tenantId)
    })

  command
    .command('list')
    .description('the accounts of a tenant, without their secrets')
    .addArgument(tenantArgument())
    .addHelpText('after', examples('sessiongraph providers list acme'))
    .action((tenantId: string) => {
      const list = async ({ services }: House, call: TenantCall) => cli.show(await services.providerSettings.list(call))
      return withTenant(cli, list, tenantId)
    })
}

/** Settings by name. A line may name one as the environment does: KAYLE_API_KEY, API_KEY and apiKey are the same. */
function readSettings(provider: Provider, input: string): Record<string, string> {
  const entries = input.trimStart().startsWith('{') ? readJson(input) : readLines(input)
  return Object.fromEntries(entries.map(([name, value]) => [toName(provider, name), value]))
}

function readJson(input: string): [string, string][] {
  try {
    return Object.entries(JSON.parse(input) as object).map(([name, value]) => [name, String(value)])
  } catch {
    throw new DomainError('BAD_REQUEST', 'Expected a JSON object on stdin.')
  }
}

function readLines(input: string): [string, string][] {
  const lines = input.split(/\r?\n/).filter(line => line.trim() !== '' && !line.startsWith('#'))
  return lines.map(line => {
    const [, name, value] = /^\s*(\w+)\s*=\s*(.*?)\s*$/.exec(line) ?? []
    if (!name || value === undefined) throw new DomainError('BAD_REQUEST', 'Expected lines KEY=VALUE on stdin.')
    return [name, value]
  })
}

function toName(provider: Provider, name: string): string {
  if (!/^[A-Z][A-Z_]*$/.test(name)) return name
  const known = name.startsWith(`${provider}_`) ? name.slice(provider.length + 1) : name
  const camel = known.toLowerCase().replace(/_(.)/g, (_, letter: string) => letter.toUpperCase())
  return toVariable(provider, camel) === `${provider}_${known}` ? camel : name
}
