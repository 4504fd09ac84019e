import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** The slow files run first, so that no worker is left with one of them at the end. */
export class SlowFirstSequencer extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    return [...sorted.filter(isSlow), ...sorted.filter(file => !isSlow(file))]
  }
}

const SLOW = /\/test\/(e2e\/|execution\/differential|creates\/create-outcomes|docs\/commands)/

function isSlow({ moduleId }: TestSpecification): boolean {
  return SLOW.test(moduleId)
}
