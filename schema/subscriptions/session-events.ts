import type { Context } from '../../src/context.ts'
import type { Person } from '../../src/domain/records/person.ts'
import type { SessionUpdate } from '../../src/services/events/event-stream.ts'
import { builder } from '../builder.ts'
import { decodeId, searchedText, shortString } from '../inputs/rules.ts'
import { SessionFilterInput, toSessionFilter } from '../queries/sessions.ts'
import { PersonRef, SessionRef } from '../types/refs.ts'
import { TimelineEventRef } from '../types/timeline.ts'

builder.subscriptionType({
  description: 'Events as they happen. From a given cursor on, each event is delivered exactly once.',
})

const SessionUpdateRef = builder.objectRef<SessionUpdate>('SessionUpdate').implement({
  description: 'An event of a session.',
  fields: t => ({
    cursor: t.exposeString('cursor', {
      nullable: false,
      description: 'Pass this as `after` to resume after this event.',
    }),
    event: t.expose('event', {
      type: TimelineEventRef,
      nullable: false,
      description: 'The event.',
    }),
    session: t.expose('session', {
      type: SessionRef,
      nullable: false,
      description: 'The session in its current state.',
    }),
    matchesFilter: t.exposeBoolean('matchesFilter', {
      nullable: false,
      description:
        'False if the session matched the filter before the event and no longer does: remove it from the list. True without a filter.',
    }),
  }),
})

interface PersonUpdate extends Pick<SessionUpdate, 'cursor' | 'event' | 'isReplayed'> {
  readonly person: Person
}

const PersonUpdateRef = builder.objectRef<PersonUpdate>('PersonUpdate').implement({
  description: 'An event of a session of a person.',
  fields: t => ({
    cursor: t.exposeString('cursor', {
      nullable: false,
      description: 'Pass this as `after` to resume after this event.',
    }),
    event: t.expose('event', { type: TimelineEventRef, nullable: false, description: 'The event.' }),
    person: t.expose('person', {
      type: PersonRef,
      nullable: false,
      description: 'The person in their current state.',
    }),
  }),
})

builder.subscriptionFields(t => ({
  personUpdated: t.field({
    type: PersonUpdateRef,
    nullable: false,
    description:
      'The events of all sessions of one of your users, also of sessions that are created later. A session counts as long as it has the externalId.',
    args: {
      externalId: t.arg.string({
        required: true,
        description: 'Your id for this user, 1 to 255 characters.',
        validate: shortString,
      }),
      after: t.arg.string({
        description: 'The last received cursor, or a `liveCursor`, at most 255 characters. Default: only new events.',
      }),
    },
    subscribe: (_root, { externalId, after }, context) =>
      context.services.eventStream.person(context, { externalId }, after),
    resolve: ({ cursor, event, isReplayed }, { externalId }, context) =>
      withOwnReads({ cursor, event, isReplayed, person: { externalId } }, context),
  }),
  sessionUpdated: t.field({
    type: SessionUpdateRef,
    nullable: false,
    description: 'The events of one session.',
    args: {
      id: t.arg.id({
        required: true,
        description: 'The session, by an id of at most 255 characters.',
        validate: searchedText,
      }),
      after: t.arg.string({
        description: 'The last received cursor, or a `liveCursor`, at most 255 characters. Default: only new events.',
      }),
    },
    subscribe: (_root, { id, after }, context) =>
      context.services.eventStream.session(context, decodeId('Session', id), after),
    resolve: (event, _args, context) => withOwnReads(event, context),
  }),
  sessionsUpdated: t.field({
    type: SessionUpdateRef,
    nullable: false,
    description:
      'The events of all sessions that match the filter before or after the event, so that a client sees a row leave its list.',
    args: {
      filter: t.arg({ type: SessionFilterInput, description: 'Conditions that the items must match.' }),
      after: t.arg.string({
        description: 'The last received cursor, or a `liveCursor`, at most 255 characters. Default: only new events.',
      }),
    },
    subscribe: (_root, { filter, after }, context) =>
      context.services.eventStream.sessions(context, toSessionFilter(filter ?? {}), after),
    resolve: (event, _args, context) => withOwnReads(event, context),
  }),
}))

/**
 * The event, with reads of its own below it. Client tokens and replayed events call no provider: one request could cause a
 * call for every event.
 */
function withOwnReads<T extends Pick<SessionUpdate, 'isReplayed'>>(event: T, context: Context): T {
  context.resetForEvent({ storedOnly: event.isReplayed || context.subject !== null })
  return event
}
