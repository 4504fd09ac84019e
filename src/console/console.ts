import { PROVIDERS } from '../domain/provider.ts'
import { createBriefMemory } from './brief-memory.ts'
import { settle, showOperations } from './creates.ts'
import type { Answer, Desk, Operator, Question } from './desk.ts'
import { showDrift } from './drift.ts'
import { showHealth } from './health.ts'
import { pageFiles } from './page-files.ts'
import { search } from './search.ts'
import { showSession, showSessions } from './sessions.ts'
import { replay, showWebhooks } from './webhooks.ts'

const ANSWERS: readonly (readonly [method: string, path: RegExp, answer: Answer])[] = [
  ['GET', /^\/me$/, async (_desk, { tenantId }) => ({ tenantId, providers: PROVIDERS })],
  ['GET', /^\/health$/, showHealth],
  ['GET', /^\/sessions$/, showSessions],
  ['GET', /^\/sessions\/([\w-]{1,64})$/, showSession],
  // The caller's own id of a user stands in no address, where others write it down.
  ['POST', /^\/search$/, search],
  ['GET', /^\/operations$/, showOperations],
  ['POST', /^\/operations\/([\w-]{1,64})\/settle$/, settle],
  ['GET', /^\/webhooks$/, showWebhooks],
  ['POST', /^\/webhooks\/([\w-]{1,64})\/replay$/, replay],
  ['GET', /^\/drift$/, showDrift],
]

/** The pages for operators who would rather look than read, and what they ask. */
export function createConsole(parts: Omit<Desk, 'remember'>) {
  const desk = { ...parts, remember: createBriefMemory() }
  const files = pageFiles()
  return {
    /** The file of this name; '' is the page. Undefined where there is none. */
    file: (name: string) => files.get(name),
    /** Undefined where there is nothing to ask here. Throws DomainError. */
    ask: async (question: Question, operator: Operator): Promise<object | undefined> => {
      for (const [method, path, answer] of ANSWERS) {
        const match = method === question.method ? path.exec(question.path) : null
        if (match) return answer(desk, operator, { ...question, id: match[1] ?? '' })
      }
      return undefined
    },
  }
}
