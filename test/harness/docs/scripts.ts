import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export interface Finished {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Script {
  readonly process: ChildProcess
  readonly finished: Promise<Finished>
  /** Resolves with the output as soon as it matches. */
  printed(pattern: RegExp): Promise<string>
}

/** Runs a script of scripts/ with these environment variables, PATH and HOME only. */
export function startScript(name: string, env: NodeJS.ProcessEnv = {}): Script {
  const root = fileURLToPath(new URL('../../..', import.meta.url))
  const { PATH, HOME } = process.env
  const child = spawn(process.execPath, ['--import', 'tsx', `scripts/${name}.ts`], {
    cwd: root,
    env: { PATH, HOME, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', chunk => {
    stdout += chunk
  })
  child.stderr.on('data', chunk => {
    stderr += chunk
  })
  const finished = new Promise<Finished>(resolve => child.once('close', code => resolve({ code, stdout, stderr })))
  const printed = (pattern: RegExp) =>
    new Promise<string>((resolve, reject) => {
      const look = () => pattern.test(stdout) && resolve(stdout)
      child.stdout.on('data', look)
      look()
      void finished.then(() => reject(new Error(`It ended first: ${stderr}`)))
    })
  return { process: child, finished, printed }
}
