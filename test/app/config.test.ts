import { describe, expect, test } from 'vitest'
import { ConfigError, loadConfig } from '../../src/app/config.ts'
import { registry } from '../../src/providers/registry.ts'
import { startApp } from '../harness/app/test-app.ts'

const modules = Object.values(registry)

function problemsOf(env: NodeJS.ProcessEnv): string {
  try {
    loadConfig(env, modules)
  } catch (error) {
    if (error instanceof ConfigError) return error.message
  }
  return ''
}

describe('settings', () => {
  test('are all optional', () => {
    expect(loadConfig({}, modules).server).toMatchObject({ PORT: 4000, HOST: 'localhost', SANDBOX: 'on' })
  })

  test('are refused with every problem at once, without their values', () => {
    const output = problemsOf({
      PORT: 'eighty',
      ENCRYPTION_KEY: 'hunter2-short',
      KAYLE_BASE_URL: 'javascript:alert(1)',
      YORLET_UNDOCUMENTED_READS: 'perhaps',
    })
    for (const name of ['PORT', 'ENCRYPTION_KEY', 'KAYLE_BASE_URL', 'YORLET_UNDOCUMENTED_READS']) {
      expect(output).toContain(`${name}: `)
    }
    for (const value of ['eighty', 'hunter2', 'javascript', 'perhaps']) expect(output).not.toContain(value)
  })

  test('that are empty count as absent', () => {
    expect(loadConfig({ PORT: '', KAYLE_API_KEY: '' }, modules).server.PORT).toBe(4000)
  })

  test('do not allow remote access with the development key', () => {
    expect(problemsOf({ HOST: '0.0.0.0' })).toContain('DEV_API_KEY: ')
    expect(problemsOf({ HOST: '0.0.0.0', DEV_API_KEY: 'a-key-of-my-own-making' })).toBe('')
    expect(problemsOf({ HOST: '127.0.0.1' })).toBe('')
  })

  test('are refused in plain words', () => {
    const output = problemsOf({
      PORT: 'eighty',
      MAX_DEPTH: '0',
      GRAPHIQL: 'yes',
      LOG_LEVEL: 'loud',
      RETRY_BUDGET_RATIO: '2',
      READ_DEADLINE_MS: '99999999999',
      KAYLE_BASE_URL: 'nowhere',
      HTTPS_PROXY: 'proxy:3128',
      TRUSTED_PROXIES: '10.0.0.0/99',
      BASE_PATH: 'onboarding/',
    })
    expect(output.split('\n').slice(1)).toMatchInlineSnapshot(`
      [
        "  PORT: Expected a number.",
        "  READ_DEADLINE_MS: Expected at most 2147483647.",
        "  RETRY_BUDGET_RATIO: Expected at most 1.",
        "  HTTPS_PROXY: Expected an http or https URL.",
        "  MAX_DEPTH: Expected more than 0.",
        "  TRUSTED_PROXIES: Expected IP addresses and ranges, such as 10.0.0.0/8, or loopback.",
        "  BASE_PATH: Expected a path such as /onboarding, without a slash at its end.",
        "  GRAPHIQL: Expected "on" or "off".",
        "  LOG_LEVEL: Expected "fatal", "error", "warn", "info", "debug", "trace" or "silent".",
        "  KAYLE_BASE_URL: Expected a URL.",
      ]
    `)
  })

  test('of a provider that do not exist are refused, with the one that was meant', () => {
    const output = problemsOf({ KAYLE_APIKEY: 'secret', YORLET_SOMETHING: 'x', kayle_api_key: 'secret' })
    expect(output.split('\n').slice(1)).toEqual([
      '  KAYLE_APIKEY: Unknown setting. Did you mean KAYLE_API_KEY?',
      '  YORLET_SOMETHING: Unknown setting.',
      '  kayle_api_key: Unknown setting. Did you mean KAYLE_API_KEY?',
    ])
  })

  test('that are misspelt are warned of, and variables of other programs are not', () => {
    const { warnings } = loadConfig(
      {
        ENCRYPTIONKEY: 'x',
        DATABASE_UR: 'x',
        LOGLEVEL: 'x',
        HOME: '/',
        HOSTNAME: 'a',
        PATH: '/',
        USER: 'x',
        LANG: 'C',
      },
      modules,
    )
    expect(warnings).toEqual([
      'ENCRYPTIONKEY: Unknown setting. Did you mean ENCRYPTION_KEY?',
      'DATABASE_UR: Unknown setting. Did you mean DATABASE_URL?',
      'LOGLEVEL: Unknown setting. Did you mean LOG_LEVEL?',
    ])
  })

  test('that are misspelt are reported with the problems of a start that fails', () => {
    const output = problemsOf({ PORT: 'x', DATABASE_UR: 'x' })
    expect(output.split('\n').slice(1)).toEqual([
      '  PORT: Expected a number.',
      '  DATABASE_UR: Unknown setting. Did you mean DATABASE_URL?',
    ])
  })

  test('accept two webhook secrets, separated by a comma', () => {
    const { webhooks } = loadConfig({ KAYLE_WEBHOOK_SECRET: 'whsec_one, whsec_two' }, modules)
    expect(webhooks.KAYLE?.secrets).toEqual(['whsec_one', 'whsec_two'])
    expect(webhooks.YORLET?.secrets).toEqual([])
  })
})

describe('a server', () => {
  test.each(['0.0.0.0', '::', '::1', '[::1]'])(
    'that listens at %s receives the webhooks of its sandboxes',
    async HOST => {
      const app = await startApp({ HOST, DEV_API_KEY: 'a-key-of-my-own-making', SANDBOX_WEBHOOKS: 'on' })
      try {
        expect(URL.canParse(app.url)).toBe(true)
        for (const { origin } of app.sandboxes) {
          const { url } = (await (await fetch(`${origin}/_sandbox/webhooks`)).json()) as { url: string }
          expect((await fetch(new URL('/livez', url))).status).toBe(200)
        }
      } finally {
        await app.close()
      }
    },
  )
})

describe('GraphiQL', () => {
  test('contains no key if other machines can open it', async () => {
    const app = await startApp({ HOST: '0.0.0.0', DEV_API_KEY: 'a-key-of-my-own-making' })
    try {
      const page = await app.app.fetch('http://localhost/graphql', { headers: { accept: 'text/html' } })
      expect(await page.text()).not.toContain('a-key-of-my-own-making')
    } finally {
      await app.close()
    }
  })
})
