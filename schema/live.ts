import { clearAllDataLoaders } from '@pothos/plugin-dataloader'
import type { Context } from '../src/context.ts'
import type { SessionEvent } from '../src/services/live.ts'
import { builder } from './builder.ts'
import { decodeId } from './ids.ts'
import { SessionRef } from './refs.ts'
import { SessionFilterInput, toSessionFilter } from './sessions.ts'
import { TimelineEventRef } from './timeline.ts'

builder.subscriptionType({
  description: 'What happens, as it happens. Nothing is missed and nothing comes twice, from the cursor given on.',
})

const SessionEventRef = builder.objectRef<SessionEvent>('SessionEvent').implement({
  description: 'Something that happened to a session.',
  fields: t => ({
    cursor: t.exposeString('cursor', { nullable: false, description: 'Pass it as `after` to go on from here.' }),
    event: t.expose('event', {
      type: TimelineEventRef,
      nullable: false,
      description: 'What happened, as it was then.',
    }),
    session: t.expose('session', {
      type: SessionRef,
      nullable: false,
      description: 'The session, as it is now.',
    }),
  }),
})

builder.subscriptionFields(t => ({
  sessionUpdated: t.field({
    type: SessionEventRef,
    nullable: false,
    description: 'What happens to one session.',
    args: {
      id: t.arg.id({ required: true, description: 'The session.' }),
      after: t.arg.string({ description: 'The last cursor seen, or a `liveCursor`; from now on if left out.' }),
    },
    subscribe: (_root, { id, after }, context) =>
      context.services.live.session(context, decodeId('Session', id), after),
    resolve: (event, _args, context) => afresh(event, context),
  }),
  sessionsUpdated: t.field({
    type: SessionEventRef,
    nullable: false,
    description: 'What happens to all sessions that match before or after it, so that a row is seen leaving.',
    args: {
      filter: t.arg({ type: SessionFilterInput, description: 'Which.' }),
      after: t.arg.string({ description: 'The last cursor seen, or a `liveCursor`; from now on if left out.' }),
    },
    subscribe: (_root, { filter, after }, context) =>
      context.services.live.sessions(context, toSessionFilter(filter ?? {}), after),
    resolve: (event, _args, context) => afresh(event, context),
  }),
}))

/** What was loaded for the event before says nothing about this one. */
function afresh<T>(event: T, context: Context): T {
  clearAllDataLoaders(context)
  return context.renewed(event)
}
