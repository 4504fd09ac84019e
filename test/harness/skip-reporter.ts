import type { Reporter, TestCase, TestModule } from 'vitest/node'

/** Lists the skipped tests with their reasons at the end of a run. */
export class SkipReporter implements Reporter {
  readonly #known: readonly string[]
  readonly #print: (line: string) => void

  /** `known`: what was left out before there was a test of it. */
  constructor(known: readonly string[] = [], print: (line: string) => void = console.log) {
    this.#known = known
    this.#print = print
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const skipped = modules.flatMap(module => [...module.children.allTests('skipped')])
    const lines = [...skipped.map(test => `${test.fullName}: ${reasonOf(test)}`), ...this.#known]
    if (lines.length === 0) return
    this.#print(`Skipped on this machine: ${lines.length}`)
    for (const line of lines) this.#print(`  ${line}`)
  }
}

function reasonOf(test: TestCase): string {
  const result = test.result()
  return (result.state === 'skipped' && result.note) || 'no reason given'
}
