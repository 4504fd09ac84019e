import { type Command, Option } from 'commander'
import type { StoredOperation } from '../../../db/repositories/operation-repository.ts'
import type { AppContainer } from '../../app/container.ts'
import { decodeGlobalId } from '../../domain/global-id.ts'
import { OPERATION_STATES, type OperationState, type ProviderOperation } from '../../domain/records/operation.ts'
import { recordAudit } from '../../services/access/tenants.ts'
import type { SearchHints } from '../../services/creates/operations.ts'
import type { Services } from '../../services/services.ts'
import { limitOption } from '../arguments.ts'
import { type CliContext, CliError, examples, formatCommand, type TenantCall, withHint, withTenant } from '../cli.ts'

/** `sessiongraph operations`: creates with an unknown outcome, and how an operator settles them. */
export function addOperations(program: Command, cli: CliContext): void {
  const command = program
    .command('operations')
    .description('creates of sessions, applicants and customers: their outcomes, and settling unknown ones')

  command
    .command('list')
    .description('list the newest creates with an unknown outcome, or in the given states')
    .addOption(new Option('--state <state...>', 'one or more states').choices(OPERATION_STATES).default(['UNKNOWN']))
    .addOption(limitOption(50, 'creates'))
    .addHelpText(
      'after',
      examples('sessiongraph operations list', 'sessiongraph operations list --state UNKNOWN FAILED --limit 10'),
    )
    .action((options: { state: OperationState[]; limit: number }) =>
      withTenant(cli, async ({ services }, call) => {
        const found = await services.operations.list(call, options.state, options.limit)
        const empty = `No creates in state ${options.state.join(' or ')}.`
        const rows = found.map(operation =>
          cli.isJson() ? toRowWithHints(cli, services, operation) : toListed(services, operation),
        )
        cli.show(await Promise.all(rows), { empty })
        if (found.length > 0 && !cli.isJson())
          cli.progress.report(`${formatCommand(cli, 'operations show <id>')} shows what to look for at the provider.`)
      }),
    )

  command
    .command('show')
    .description(
      'show a create; if its outcome is unknown, also what to search for at the provider, including personal data',
    )
    .argument('<id>', ID)
    .addHelpText('after', examples('sessiongraph operations show signup-1337'))
    .action((id: string) =>
      withTenant(cli, async (app, call) => {
        const operation = await find(cli, app, call, id)
        cli.show([await toRowWithHints(cli, app.services, operation, true)])
      }),
    )

  command
    .command('settle')
    .description('record the outcome of a create after checking at the provider')
    .argument('<id>', ID)
    .usage('<id> (--found <providerId> | --absent) [options]')
    .addOption(new Option('--found <providerId>', 'it was created: its id at the provider').conflicts('absent'))
    .option('--absent', 'it was never created: the same idempotency key can send it again')
    .option('--yes', 'do not ask for confirmation, which `--absent` and an id that the provider cannot show require')
    .addHelpText(
      'after',
      examples(
        'sessiongraph operations settle 01a1fc51-4540-7679-a16e-870c9ec09ee5 --absent --yes',
        'sessiongraph operations settle signup-1337 --found vs_1a2b3c',
      ),
    )
    .action((id: string, options: SettleOptions, self: Command) => {
      if (!options.found && !options.absent) self.error('error: expected --found <providerId> or --absent')
      return withTenant(cli, async (app, call) => {
        const operation = await find(cli, app, call, id)
        const { foundCheck, settleFound, settleAbsent, searchHints } = app.services.operations
        const hints = await searchHints(operation)
        if (options.absent && hints?.warning && !cli.isJson()) cli.progress.report(`Warning: ${hints.warning}`)
        const isUnchecked = options.found !== undefined && (await foundCheck(operation)) === 'UNCHECKED'
        if (operation.state === 'UNKNOWN' && (options.absent || isUnchecked))
          await confirmSettlement(cli, operation, options, self)
        const action = options.absent ? 'absent' : isUnchecked ? 'unchecked' : 'found'
        await recordAudit(app.db, {
          ...call,
          action: `operation.settle.${action}`,
          at: new Date(),
          subject: operation.id,
        })
        const settled = await (options.found
          ? settleFound(call, operation.id, options.found, { isConfirmed: isUnchecked })
          : settleAbsent(call, operation.id))
        cli.show([await toRowWithHints(cli, app.services, settled)])
      })
    })
}

interface SettleOptions {
  readonly found?: string
  readonly absent?: boolean
  readonly yes?: boolean
}

/** Throws NOT_CONFIRMED. Without a terminal, `--yes` is required. */
async function confirmSettlement(
  cli: CliContext,
  { idempotencyKey, provider }: ProviderOperation,
  { found, yes }: SettleOptions,
  self: Command,
): Promise<void> {
  if (yes) return
  const question = found
    ? `${provider} cannot show the record ${found}, so that the id cannot be checked. Is it the record of ${idempotencyKey}, for certain?`
    : `Was nothing created at ${provider} for ${idempotencyKey}, for certain? A second record may be created otherwise.`
  const confirmed = await cli.confirm(question)
  if (confirmed === undefined) self.error('error: expected --yes, because stdin is no terminal')
  if (!confirmed) throw new CliError('NOT_CONFIRMED', 'Nothing was settled.')
}

const ID = 'the id or the idempotency key of the create'

async function find(
  cli: CliContext,
  { services }: AppContainer,
  call: TenantCall,
  id: string,
): Promise<StoredOperation> {
  const [byId] = await services.operations.findMany(call, [decodeGlobalId(id)?.id ?? id])
  const listCommand = formatCommand(cli, `operations list --state ${OPERATION_STATES.join(' ')}`)
  return byId ?? withHint(services.operations.get(call, { idempotencyKey: id }), `${listCommand} shows all creates.`)
}

/** The values to search for at the provider: a string for a person, an object for a program. */
function toSearchHints(hints: SearchHints | undefined, isJson: boolean, showsPersonal: boolean) {
  if (!hints) return null
  const [from, to] = [hints.window.from.toISOString(), hints.window.to.toISOString()]
  const traces = hints.traces.map(({ where, value, isPersonal }) => ({
    where,
    value: isPersonal && !showsPersonal ? null : value,
  }))
  if (isJson) return { from, to, traces, warning: hints.warning }
  const lines = traces.map(({ where, value }) => `${where}: ${value ?? 'see `operations show`'}`)
  return [`created from ${from} to ${to}`, ...lines, ...(hints.warning ? [`Warning: ${hints.warning}`] : [])].join('; ')
}

/** Only what an operator needs. The client's input stays encrypted. */
async function toRow({ operations }: Services, operation: StoredOperation) {
  return {
    id: operation.id,
    idempotencyKey: operation.idempotencyKey,
    kind: operation.kind,
    provider: operation.provider,
    state: operation.state,
    sentAt: operation.sentAt?.toISOString() ?? null,
    sendCount: operation.sendCount,
    settlesItself: await operations.settlesItself(operation),
    nextCheckAt: operation.nextCheckAt?.toISOString() ?? null,
    recordId: operation.recordId,
    recovered: operation.recovered,
    error:
      operation.lastError &&
      `${operation.lastError.code}: ${operation.lastError.summary ?? operation.lastError.message}`,
  }
}

/** With what to look for at the provider, from the client's input. */
async function toRowWithHints(
  cli: CliContext,
  services: Services,
  operation: StoredOperation,
  showsPersonal: boolean = false,
) {
  const hints = await services.operations.searchHints(operation)
  return { ...(await toRow(services, operation)), searchHints: toSearchHints(hints, cli.isJson(), showsPersonal) }
}

/** What decides whether an operator has to act. */
async function toListed(services: Services, operation: StoredOperation) {
  const row = await toRow(services, operation)
  const { idempotencyKey, kind, provider, state, sentAt, settlesItself, nextCheckAt, error } = row
  const nextCheck = settlesItself ? toMinute(nextCheckAt) : 'never: settle it'
  return { idempotencyKey, kind, provider, state, sentAt: toMinute(sentAt), nextCheck, error }
}

function toMinute(time: string | null): string | null {
  return time?.replace(/:\d+\.\d+Z$/, 'Z') ?? null
}
