import { expect } from 'vitest'
import { envVarName } from '../../src/app/config.ts'
import type { Finding } from '../../src/cli/doctor/finding.ts'
import { type TestDatabase, takeDatabase } from './app/database.ts'
import { type OwnProviders, startOwnProviders } from './app/tenants.ts'
import { startApp, type TestApp } from './app/test-app.ts'
import { cliOf, type Machine } from './cli.ts'

/** A healthy application with its own Kayle account, and the `doctor` command for it. */
export interface ExaminedApp {
  readonly app: TestApp
  readonly own: OwnProviders
  readonly env: Readonly<Record<string, string>>
  examine(changes?: Record<string, string>, machine?: Machine): Promise<DoctorReport>
  /** Expects exit code 1, and a problem of that check with this text. */
  expectProblem(check: string, message: RegExp, changes?: Record<string, string>, machine?: Machine): Promise<void>
  /** Expects exit code 0, and a finding of that check with this text that is no problem. */
  expectNote(check: string, message: RegExp, changes?: Record<string, string>, machine?: Machine): Promise<void>
  close(): Promise<void>
}

export interface DoctorReport {
  readonly code: number
  readonly findings: readonly Finding[]
}

export async function startExaminedApp(encryptionKey: string): Promise<ExaminedApp> {
  const own = await startOwnProviders()
  const database: TestDatabase = await takeDatabase()
  const kayle = Object.entries(own.settings('KAYLE')).map(([name, value]) => [envVarName('KAYLE', name), value])
  const env = {
    DATABASE_URL: database.url,
    ENCRYPTION_KEY: encryptionKey,
    SANDBOX: 'off',
    ...Object.fromEntries(kayle),
  }
  const app = await startApp(env, { jobs: false })

  async function examine(changes: Record<string, string> = {}, machine?: Machine): Promise<DoctorReport> {
    const { code, stdout } = await cliOf({ ...env, ...changes }, machine).run(['doctor', '--json'])
    return { code, findings: JSON.parse(stdout) }
  }

  return {
    app,
    own,
    env,
    examine,
    expectProblem: async (check, message, changes, machine) => {
      const { code, findings } = await examine(changes, machine)
      expect(findings).toContainEqual({ state: 'PROBLEM', check, message: expect.stringMatching(message) })
      expect(code).toBe(1)
    },
    expectNote: async (check, message, changes, machine) => {
      const { code, findings } = await examine(changes, machine)
      expect(findings).toContainEqual({ state: 'NOTE', check, message: expect.stringMatching(message) })
      expect(code).toBe(0)
    },
    close: async () => {
      await app.close()
      await own.close()
      await database.release()
    },
  }
}
