import type { ObjectRef } from '@pothos/core'
import type { EventData, EventType } from '../../src/domain/records/event.ts'
import type { EventWithCursor } from '../../src/services/events/event-stream.ts'
import { builder, type SchemaTypes } from '../builder.ts'
import { connectionOf } from './connections.ts'
import { AttemptStatusEnum, ChangeSourceEnum, OutcomeEnum, SessionStatusEnum } from './enums.ts'
import { ApplicantRef, AttemptRef, CustomerRef, SessionRef } from './refs.ts'

/** An event whose data is of one type. */
type EventOf<T extends EventType> = EventWithCursor & { readonly data: Extract<EventData, { type: T }> }

export const TimelineEventRef = builder.interfaceRef<EventWithCursor>('TimelineEvent').implement({
  description: 'An event of a session. All events together give its status, outcome and links.',
  resolveType: event => event.data.type,
  fields: t => ({
    id: t.exposeID('id', { nullable: false, description: 'The id of the event.' }),
    at: t.expose('at', { type: 'DateTime', nullable: false, description: 'When this server learned of the change.' }),
    cursor: t.exposeString('cursor', {
      nullable: false,
      description: 'The position of the event. Pass this as `after` to resume after it.',
    }),
    source: t.expose('source', {
      type: ChangeSourceEnum,
      nullable: false,
      description: 'How this server learned of the change.',
    }),
    session: t.field({
      type: SessionRef,
      description: 'The session in its current state; null if it was deleted, or belongs to another person now.',
      extensions: { link: true },
      resolve: ({ sessionId }, _args, { loaders }) => loaders.storedSession().load(sessionId),
    }),
  }),
})

function eventRef<T extends EventType>(type: T): ObjectRef<SchemaTypes, EventOf<T>> {
  return builder.objectRef<EventOf<T>>(type)
}

builder.objectType(eventRef('SessionCreated'), {
  description: 'The session was stored here for the first time.',
  interfaces: [TimelineEventRef],
})

builder.objectType(eventRef('SessionStatusChanged'), {
  description: "The status, the outcome or the provider's status changed.",
  interfaces: [TimelineEventRef],
  fields: t => ({
    previousSessionStatus: t.field({
      type: SessionStatusEnum,
      description: 'The status before the change; null in the first event of a session.',
      resolve: it => it.data.from,
    }),
    sessionStatus: t.field({
      type: SessionStatusEnum,
      nullable: false,
      description: 'The status after the change.',
      resolve: it => it.data.to,
    }),
    previousOutcome: t.field({
      type: OutcomeEnum,
      description: 'The outcome before the change; null in the first event of a session.',
      resolve: it => it.data.fromOutcome,
    }),
    outcome: t.field({
      type: OutcomeEnum,
      nullable: false,
      description: 'The outcome after the change.',
      resolve: it => it.data.outcome,
    }),
    providerStatus: t.string({
      description: 'The status after the change, as the provider reports it.',
      resolve: it => it.data.providerStatus,
    }),
  }),
})

builder.objectType(eventRef('AttemptStatusChanged'), {
  description: 'An attempt started or its status changed.',
  interfaces: [TimelineEventRef],
  fields: t => ({
    attempt: t.field({
      type: AttemptRef,
      description: 'The attempt in its current state.',
      resolve: ({ data }, _args, { loaders }) => loaders.storedAttempt().load(data.attemptId),
    }),
    previousAttemptStatus: t.field({
      type: AttemptStatusEnum,
      description: 'The status before the change; null in the first event of an attempt.',
      resolve: it => it.data.from,
    }),
    attemptStatus: t.field({
      type: AttemptStatusEnum,
      nullable: false,
      description: 'The status after the change.',
      resolve: it => it.data.to,
    }),
  }),
})

builder.objectType(eventRef('WebhookReceived'), {
  description: 'A webhook of the provider was received.',
  interfaces: [TimelineEventRef],
  fields: t => ({
    providerEvent: t.string({
      nullable: false,
      description: "The provider's name of the event.",
      resolve: it => it.data.providerEvent,
    }),
    applied: t.boolean({
      nullable: false,
      description: 'False if the notification was older than the stored record.',
      resolve: it => it.data.applied,
    }),
  }),
})

builder.objectType(eventRef('SessionLinksChanged'), {
  description: 'The session is linked to another applicant or customer, or has another externalId than before.',
  interfaces: [TimelineEventRef],
  fields: t => ({
    customer: t.field({
      type: CustomerRef,
      description: 'The customer after the change.',
      resolve: ({ data }, _args, { loaders }) =>
        data.customerId ? loaders.storedCustomer().load(data.customerId) : null,
    }),
    applicant: t.field({
      type: ApplicantRef,
      description: 'The applicant after the change.',
      resolve: ({ data }, _args, { loaders }) =>
        data.applicantId ? loaders.storedApplicant().load(data.applicantId) : null,
    }),
  }),
})

builder.objectType(eventRef('ExternalIdConflict'), {
  description:
    'The provider reports another person for the session than your externalId. The session has no externalId until `linkSession` sets one.',
  interfaces: [TimelineEventRef],
})

export const TimelineEventConnection = connectionOf(TimelineEventRef, 'event')
