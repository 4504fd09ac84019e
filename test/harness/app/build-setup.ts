import { execFile } from 'node:child_process'
import { rmSync } from 'node:fs'
import { promisify } from 'node:util'
import { packageRoot } from '../../../src/app/package.ts'

/**
 * Builds the server and the command line once for a run, because a process starts several times faster from the build.
 * The workers find it by TEST_BUILD. Both projects run this; the first one builds.
 */
export async function setup(): Promise<(() => void) | undefined> {
  if (process.env.TEST_BUILD) return undefined
  const root = packageRoot()
  const folder = `${root}/node_modules/.cache/sessiongraph-${process.pid}`
  const script = ['--import', 'tsx', 'scripts/build.ts', '--outdir', folder]
  await promisify(execFile)(process.execPath, script, { cwd: root })
  process.env.TEST_BUILD = folder
  return () => rmSync(folder, { recursive: true, force: true })
}
