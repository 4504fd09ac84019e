/** The import rules as data: the areas of the code, and the allowed imports of each. `*` is a name, `**` any path. */

export interface Area {
  readonly files: readonly string[]
  /** Files of this package, and other packages. `{own}` is the folder of the file's provider. */
  readonly may: readonly string[]
  readonly mayAsTypes?: readonly string[]
  readonly mayLazily?: readonly string[]
  readonly because: string
}

const DOMAIN = 'src/domain/**'
const UPSTREAM = 'src/upstream/**'
const CONTRACT = 'src/providers/contract.ts'
const POTHOS = ['@pothos/*', 'graphql', 'zod']
const SETTINGS = ['src/app/(config|http-settings|setting-messages|setting-names|setting-types).ts']

/** The first matching area applies. */
export const AREAS: readonly Area[] = [
  {
    files: [
      'src/main.ts',
      'src/cli/main.ts',
      'src/demo/**',
      'src/app/(container|documents|http-policy|observability|register-webhooks|run-sandboxes|sandboxes|serve|server-url|start-server|startup-server).ts',
    ],
    may: ['**'],
    because: 'it composes the application',
  },
  {
    files: SETTINGS,
    may: [
      DOMAIN,
      'src/upstream/limits.ts',
      'src/http/limits.ts',
      'src/http/auth/client-address.ts',
      ...SETTINGS,
      'zod',
      'fastest-levenshtein',
    ],
    mayAsTypes: [CONTRACT, 'src/http/server.ts'],
    because: 'it reads the settings only',
  },
  { files: ['src/app/package.ts'], may: ['node:**'], because: 'it finds the files of the package' },
  {
    files: ['src/context.ts', 'src/loaders.ts'],
    may: ['src/loaders.ts', DOMAIN, 'src/services/**', 'dataloader'],
    because: 'a request carries services and loaders',
  },
  { files: [DOMAIN], may: [DOMAIN], because: 'the domain is words without I/O' },
  {
    files: [UPSTREAM],
    may: [UPSTREAM, DOMAIN, 'lru-cache', 'undici', 'zod', 'node:**'],
    because: 'it is HTTP towards any provider',
  },
  {
    files: [CONTRACT],
    may: [DOMAIN],
    mayAsTypes: [UPSTREAM, 'zod'],
    because: 'the contract is types over domain and upstream',
  },
  {
    files: ['src/providers/registry.ts'],
    may: [CONTRACT, DOMAIN, 'src/providers/*/index.ts'],
    because: 'the registry is one line per provider',
  },
  {
    files: ['src/providers/own-marker.ts'],
    may: [DOMAIN],
    mayAsTypes: [CONTRACT],
    because: 'the recoveries of all providers check markers with it',
  },
  {
    files: ['src/providers/path-segment.ts'],
    may: [DOMAIN],
    because: 'the paths of all providers are built from it',
  },
  {
    files: ['src/providers/hmac.ts'],
    may: ['src/security/safe-equal.ts', 'node:crypto'],
    because: 'it verifies the signatures of all providers',
  },
  { files: ['src/input/**'], may: [DOMAIN, 'zod'], because: 'it is the rules of the domain in zod' },
  { files: ['src/providers/*/wire.ts'], may: ['zod'], because: 'wire is the words of a provider and nothing else' },
  {
    files: ['src/providers/*/input.ts'],
    may: [DOMAIN, 'src/input/**', '{own}/wire.ts', 'zod'],
    because: 'input is rules in zod',
  },
  {
    files: ['src/providers/*/mapper.ts'],
    may: [DOMAIN, '{own}/wire.ts', '{own}/input.ts', 'zod'],
    because: 'a mapper is pure: own wire to domain',
  },
  {
    files: ['src/providers/*/graphql.ts'],
    may: ['schema/**', DOMAIN, '{own}/mapper.ts', '{own}/wire.ts', '{own}/input.ts'],
    because: 'it is the schema adapter: the one provider file that knows the schema builder',
  },
  {
    files: ['src/providers/*/sandbox.ts', 'src/providers/*/sandbox-*.ts', 'src/providers/*/fixtures.ts'],
    may: ['src/sandbox/**', '{own}/wire.ts', '{own}/sandbox-*.ts', 'zod', 'node:**'],
    because: 'a sandbox knows what the provider documents, not how we call it',
  },
  {
    files: ['src/providers/*/index.ts'],
    may: [CONTRACT, '{own}/provider.ts', '{own}/mapper.ts', '{own}/webhook.ts', '{own}/input.ts', 'zod'],
    mayLazily: ['{own}/graphql.ts', '{own}/sandbox.ts'],
    because: 'it shows its own folder; schema and sandbox lazily, so that they are not loaded in vain',
  },
  {
    files: ['src/providers/*/*.ts'],
    may: [
      DOMAIN,
      UPSTREAM,
      CONTRACT,
      'src/providers/hmac.ts',
      'src/providers/own-marker.ts',
      'src/providers/path-segment.ts',
      'src/security/safe-equal.ts',
      '{own}/(wire|mapper|input|login|recovery|token).ts',
      'zod',
      'node:crypto',
      'jose',
    ],
    because: 'a provider is called through upstream with its own words, and knows no other',
  },
  {
    files: ['db/**'],
    may: [
      'db/**',
      DOMAIN,
      'src/security/**',
      'kysely',
      'better-sqlite3',
      'better-sqlite3-node20',
      'lru-cache',
      'pg',
      'node:**',
    ],
    because: 'the store knows rows and domain',
  },
  {
    files: ['src/services/**'],
    may: [
      'src/services/**',
      DOMAIN,
      'db/**',
      UPSTREAM,
      CONTRACT,
      'src/security/**',
      'src/services/events/**',
      'src/jobs/lease.ts',
      'lru-cache',
      'node:crypto',
      'node:timers/promises',
      'node:util',
      'node:v8',
      'uuid',
    ],
    because: 'services know the contract and never a named provider, the schema or the server',
  },
  {
    files: ['src/jobs/**'],
    may: [
      'src/jobs/**',
      DOMAIN,
      'db/**',
      UPSTREAM,
      CONTRACT,
      'src/security/**',
      'src/services/events/**',
      'node:**',
      'uuid',
    ],
    because: 'jobs know the contract and never a named provider, the schema or the server',
  },
  {
    files: ['schema/types/refs.ts'],
    may: ['schema/builder.ts', DOMAIN],
    because: 'the record types are declared before all of their fields',
  },
  {
    files: ['schema/federation/apollo-subgraph.ts'],
    may: ['@apollo/subgraph'],
    because: 'it is loaded on first use',
  },
  {
    files: ['schema/**'],
    may: ['schema/**', DOMAIN, 'src/input/**', ...POTHOS],
    mayAsTypes: ['src/context.ts', 'src/loaders.ts', 'src/services/**'],
    because: 'the schema gets context, services and registry as values',
  },
  {
    files: ['src/services/events/**'],
    may: ['src/services/events/**', DOMAIN, 'db/**', 'node:**'],
    because: 'live reads the event log',
  },
  {
    files: ['src/redis/**'],
    may: ['src/redis/**', DOMAIN, 'ioredis', 'lru-cache', 'rate-limiter-flexible', 'node:**'],
    mayAsTypes: ['src/services/events/**', UPSTREAM],
    because: 'it carries messages between instances, behind interfaces of their users',
  },
  { files: ['src/security/**'], may: ['src/security/**', DOMAIN, 'jose', 'node:**'], because: 'security serves all' },
  {
    files: ['src/telemetry/**'],
    may: ['src/telemetry/**', DOMAIN, '@opentelemetry/*', 'graphql', 'pino', 'prom-client', 'node:**'],
    because: 'telemetry serves all, and puts its spans around resolvers',
  },
  {
    files: ['src/sandbox/**'],
    may: ['src/sandbox/**', DOMAIN, 'zod', 'node:**'],
    because: 'a sandbox stands at the far end of the wire: no upstream, no services',
  },
  {
    files: ['src/cli/**', 'src/admin/**'],
    may: [
      'src/app/package.ts',
      'src/app/server-url.ts',
      '{area}/**',
      'src/app/config.ts',
      DOMAIN,
      'src/services/**',
      'src/jobs/**',
      'db/**',
      'commander',
      'graphql',
      'lru-cache',
      'node:**',
    ],
    mayAsTypes: ['src/app/container.ts'],
    because: 'operators go through services and jobs',
  },
  {
    files: ['src/http/**'],
    may: [
      'src/http/**',
      DOMAIN,
      'src/context.ts',
      'src/services/**',
      'src/services/events/**',
      'src/security/**',
      'graphql',
      'lru-cache',
      'src/input/**',
      'zod',
      'graphql-yoga',
      '@graphql-yoga/*',
      'compression',
      'graphql-ws',
      'proxy-addr',
      'ws',
      'node:**',
    ],
    because: 'the server is HTTP towards clients and knows no provider, schema or row',
  },
]

export interface Ban {
  readonly what: readonly string[]
  readonly butIn: readonly string[]
  readonly because: string
}

const MAINS = ['src/main.ts', 'src/cli/main.ts']
const COMPOSITION = ['src/main.ts', 'src/app/start-server.ts', 'src/app/startup-server.ts', 'src/app/serve.ts']

/** Modules that only the listed files may import, in any area. */
export const IMPORT_BANS: readonly Ban[] = [
  { what: MAINS, butIn: [], because: 'main has side effects' },
  {
    what: ['src/app/container.ts', 'src/app/sandboxes.ts', 'src/app/register-webhooks.ts'],
    butIn: [
      ...COMPOSITION,
      'src/app/sandboxes.ts',
      'src/app/register-webhooks.ts',
      'src/app/run-sandboxes.ts',
      'src/cli/**',
    ],
    because: 'only a main composes the application',
  },
  {
    what: ['src/app/start-server.ts', 'src/app/http-policy.ts', 'src/app/documents.ts', 'src/app/observability.ts'],
    butIn: [...COMPOSITION, 'src/demo/**', 'src/app/http-policy.ts', 'src/app/observability.ts'],
    because: 'only main composes the application',
  },
  {
    what: ['src/app/serve.ts', 'src/app/run-sandboxes.ts', 'src/demo/demo.ts'],
    butIn: MAINS,
    because: 'only a main runs until a signal',
  },
  {
    what: ['schema/index.ts'],
    butIn: [...COMPOSITION, 'src/cli/main.ts'],
    because: 'the schema is built once, with the registry',
  },
  {
    what: ['graphql-yoga', '@graphql-yoga/*'],
    butIn: ['src/http/**', 'src/app/start-server.ts'],
    because: 'yoga is the HTTP layer',
  },
  { what: ['undici'], butIn: [UPSTREAM], because: 'only upstream spells HTTP towards a provider' },
  { what: ['ioredis'], butIn: ['src/redis/**'], because: 'only src/redis speaks to Redis' },
  { what: ['kysely', 'better-sqlite3', 'pg'], butIn: ['db/**'], because: 'only db/ spells SQL' },
  { what: ['node:process', 'process', '<computed>'], butIn: [], because: 'it hides what is used' },
]

/** Globals that only the listed files may use. */
export const USE_BANS: readonly Ban[] = [
  {
    what: ['process', 'process.env'],
    butIn: ['src/app/config.ts', ...MAINS],
    because: 'config reads the environment',
  },
  {
    what: ['*.listen', 'process.(exit|exitCode|abort|kill|on|once|addListener)'],
    butIn: [...COMPOSITION, ...MAINS, 'src/app/run-sandboxes.ts', 'src/sandbox/server.ts'],
    because: 'side effects live in main',
  },
]
