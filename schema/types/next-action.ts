import type { NextAction } from '../../src/domain/records/next-action.ts'
import { builder } from '../builder.ts'
import { NextActionKindEnum } from './enums.ts'
import { SessionRef } from './refs.ts'

export const NextActionRef = builder.objectRef<NextAction>('NextAction').implement({
  description: 'What the end user has to do next.',
  fields: t => ({
    kind: t.expose('kind', { type: NextActionKindEnum, nullable: false, description: 'What the app shows next.' }),
    needsNewSession: t.exposeBoolean('needsNewSession', {
      nullable: false,
      description:
        'True if a session has to be created for the action: none was started, or the page of the last one cannot be opened any more.',
    }),
    session: t.expose('session', {
      type: SessionRef,
      description:
        'The session that determines the action. Null if none does: nothing was started, or an applicant without a session determines it.',
    }),
    url: t.expose('url', {
      type: 'URL',
      description: 'The page to open. Null if the action opens none or if `needsNewSession` is true.',
    }),
    expiresAt: t.expose('expiresAt', { type: 'DateTime', description: 'When the page expires.' }),
  }),
})
