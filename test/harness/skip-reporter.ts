import type { Reporter, TestCase, TestModule } from 'vitest/node'

/** Says in the last lines of a run which tests were skipped, and why. */
export class SkipReporter implements Reporter {
  readonly #print: (line: string) => void

  constructor(print: (line: string) => void = console.log) {
    this.#print = print
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const skipped = modules.flatMap(module => [...module.children.allTests('skipped')])
    if (skipped.length === 0) return
    this.#print(`Skipped on this machine: ${skipped.length}`)
    for (const test of skipped) this.#print(`  ${test.fullName}: ${reasonOf(test)}`)
  }
}

function reasonOf(test: TestCase): string {
  const result = test.result()
  return (result.state === 'skipped' && result.note) || 'no reason given'
}
