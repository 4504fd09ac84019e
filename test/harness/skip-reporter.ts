import type { Reporter, TestCase, TestModule } from 'vitest/node'

/** Prints the services that the tests use at the start of a run, and the skipped tests with their reasons at its end. */
export class SkipReporter implements Reporter {
  readonly #known: readonly string[]
  readonly #services: readonly string[]
  readonly #print: (line: string) => void

  /** `known`: what was left out before there was a test of it. `services`: what the tests use. */
  constructor(
    known: readonly string[] = [],
    services: readonly string[] = [],
    print: (line: string) => void = console.log,
  ) {
    this.#known = known
    this.#services = services
    this.#print = print
  }

  onInit(): void {
    for (const line of this.#services) this.#print(line)
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
