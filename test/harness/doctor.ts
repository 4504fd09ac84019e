import { expect } from 'vitest'
import type { Finding } from '../../src/cli/finding.ts'
import { toVariable } from '../../src/config.ts'
import { cliOf, type Machine } from './cli.ts'
import { type TestDatabase, takeDatabase } from './database.ts'
import { type House, startHouse } from './house.ts'
import { type OwnProviders, startOwnProviders } from './tenants.ts'

/** A house that is well, with a real Kayle of its own, and the doctor who looks at it. */
export interface Patient {
  readonly house: House
  readonly own: OwnProviders
  readonly env: Readonly<Record<string, string>>
  examine(changes?: Record<string, string>, machine?: Machine): Promise<Examined>
  /** Expects exit code 1 and a problem of that check that says so. */
  expectProblem(check: string, says: RegExp, changes?: Record<string, string>, machine?: Machine): Promise<void>
  /** Expects exit code 0 and a finding of that check that says so, and is no problem. */
  expectNote(check: string, says: RegExp, changes?: Record<string, string>, machine?: Machine): Promise<void>
  close(): Promise<void>
}

export interface Examined {
  readonly code: number
  readonly findings: readonly Finding[]
}

export async function startPatient(encryptionKey: string): Promise<Patient> {
  const own = await startOwnProviders()
  const database: TestDatabase = await takeDatabase()
  const kayle = Object.entries(own.settings('KAYLE')).map(([name, value]) => [toVariable('KAYLE', name), value])
  const env = {
    DATABASE_URL: database.url,
    ENCRYPTION_KEY: encryptionKey,
    SANDBOX: 'off',
    ...Object.fromEntries(kayle),
  }
  const house = await startHouse(env, { jobs: false })

  async function examine(changes: Record<string, string> = {}, machine?: Machine): Promise<Examined> {
    const { code, stdout } = await cliOf({ ...env, ...changes }, machine).run(['doctor', '--json'])
    return { code, findings: JSON.parse(stdout) }
  }

  return {
    house,
    own,
    env,
    examine,
    expectProblem: async (check, says, changes, machine) => {
      const { code, findings } = await examine(changes, machine)
      expect(findings).toContainEqual({ state: 'PROBLEM', check, says: expect.stringMatching(says) })
      expect(code).toBe(1)
    },
    expectNote: async (check, says, changes, machine) => {
      const { code, findings } = await examine(changes, machine)
      expect(findings).toContainEqual({ state: 'NOTE', check, says: expect.stringMatching(says) })
      expect(code).toBe(0)
    },
    close: async () => {
      await house.close()
      await own.close()
      await database.release()
    },
  }
}
