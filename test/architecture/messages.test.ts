import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { listFiles, PACKAGE } from '../harness/rules/imports.ts'
import { issueMessagesIn, messagesIn, saysWhatToDo } from '../harness/rules/messages.ts'

/** Every message for a client says what was expected, or what to do. The errors of providers add it in src/domain/errors.ts. */

/** The text that clients of automatic persisted queries look for, no text, and a path with a message that is created elsewhere. */
const GIVEN = ['PersistedQueryNotSupported', '', '…: …']

describe('messages for clients', () => {
  const files = listFiles('src', 'schema').filter(
    file => /\.ts$/.test(file) && !/^src\/(cli|demo|sandbox)\/|\/sandbox|fixtures/.test(file),
  )
  const messages = files.flatMap(file =>
    messagesIn(readFileSync(join(PACKAGE, file), 'utf8')).map(message => ({ file, message })),
  )

  it('say what was expected, or what to do', () => {
    expect(messages.length).toBeGreaterThan(80)
    const mute = messages.filter(({ message }) => !GIVEN.includes(message) && !saysWhatToDo(message))
    expect(mute.map(({ file, message }) => `${file}: ${message}`)).toEqual([])
  })

  it('of issues begin with what was expected', () => {
    const issues = files.flatMap(file => issueMessagesIn(readFileSync(join(PACKAGE, file), 'utf8')))
    expect(issues.length).toBeGreaterThan(15)
    expect(issues.filter(message => !/^Expected /.test(message))).toEqual([])
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is source code
    expect(issueMessagesIn("issue({ path: ['a'], message: ok ? 'Wrong.' : `Expected ${b}.` })")).toHaveLength(2)
  })

  it('are found where they are created', () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is source code
    expect(messagesIn("throw new DomainError('NOT_FOUND', found ? 'Gone.' : `No ${what}.`)")).toEqual([
      'Gone.',
      'No ….',
    ])
    expect(messagesIn("const TEXT = 'Too late.'\nhttpError(code, TEXT, { status: 400 })")).toEqual(['Too late.'])
    expect(['Too late.', 'Rate limit exceeded for this API key.'].filter(saysWhatToDo)).toEqual([])
    expect(['Expected a path.', 'Session not found. Check the id.'].filter(saysWhatToDo)).toHaveLength(2)
  })
})
