import type { ObjectRef } from '@pothos/core'
import type { EventData, EventType } from '../src/domain/event.ts'
import type { PlacedEvent } from '../src/services/live.ts'
import { builder, type SchemaTypes } from './builder.ts'
import { connectionOf } from './connections.ts'
import { AttemptStatusEnum, OutcomeEnum, SessionStatusEnum, StatusSourceEnum } from './enums.ts'
import { ApplicantRef, AttemptRef, CustomerRef } from './refs.ts'

/** An event whose data is of one type. */
type EventOf<T extends EventType> = PlacedEvent & { readonly data: Extract<EventData, { type: T }> }

export const TimelineEventRef = builder.interfaceRef<PlacedEvent>('TimelineEvent').implement({
  description: 'Something that happened to a session. Replaying all of them gives its status, outcome and links.',
  resolveType: event => event.data.type,
  fields: t => ({
    id: t.exposeID('id', { nullable: false, description: 'The id of the event.' }),
    at: t.expose('at', { type: 'DateTime', nullable: false, description: 'When we learnt of it.' }),
    cursor: t.exposeString('cursor', {
      nullable: false,
      description: 'Its position: pass it as `after` to go on from here.',
    }),
    source: t.expose('source', {
      type: StatusSourceEnum,
      nullable: false,
      description: 'How we learnt of it. CREATE is also what the caller changed itself.',
    }),
  }),
})

function eventRef<T extends EventType>(type: T): ObjectRef<SchemaTypes, EventOf<T>> {
  return builder.objectRef<EventOf<T>>(type)
}

builder.objectType(eventRef('SessionCreated'), {
  description: 'The session became known here.',
  interfaces: [TimelineEventRef],
})

builder.objectType(eventRef('StatusChanged'), {
  description: "The status, the outcome or the provider's own word changed.",
  interfaces: [TimelineEventRef],
  fields: t => ({
    from: t.field({ type: SessionStatusEnum, description: 'Before; null at the start.', resolve: it => it.data.from }),
    to: t.field({ type: SessionStatusEnum, nullable: false, description: 'After.', resolve: it => it.data.to }),
    outcome: t.field({
      type: OutcomeEnum,
      nullable: false,
      description: 'The outcome after it.',
      resolve: it => it.data.outcome,
    }),
    providerStatus: t.string({
      description: "The provider's own word after it.",
      resolve: it => it.data.providerStatus,
    }),
  }),
})

builder.objectType(eventRef('AttemptChanged'), {
  description: 'An attempt began or went on.',
  interfaces: [TimelineEventRef],
  fields: t => ({
    attempt: t.field({ type: AttemptRef, description: 'The attempt as it is now.', resolve: it => it.data.attemptId }),
    from: t.field({ type: AttemptStatusEnum, description: 'Before; null at the start.', resolve: it => it.data.from }),
    to: t.field({ type: AttemptStatusEnum, nullable: false, description: 'After.', resolve: it => it.data.to }),
  }),
})

builder.objectType(eventRef('WebhookReceived'), {
  description: 'The provider told us something.',
  interfaces: [TimelineEventRef],
  fields: t => ({
    providerEvent: t.string({
      nullable: false,
      description: "The provider's name of it.",
      resolve: it => it.data.providerEvent,
    }),
    applied: t.boolean({
      nullable: false,
      description: 'False where something newer was known already, so that nothing changed.',
      resolve: it => it.data.applied,
    }),
  }),
})

builder.objectType(eventRef('LinkChanged'), {
  description: 'The session is linked to another applicant or customer than before.',
  interfaces: [TimelineEventRef],
  fields: t => ({
    customer: t.field({ type: CustomerRef, description: 'The customer after it.', resolve: it => it.data.customerId }),
    applicant: t.field({
      type: ApplicantRef,
      description: 'The applicant after it.',
      resolve: it => it.data.applicantId,
    }),
  }),
})

export const TimelineEventConnection = connectionOf(TimelineEventRef, 'event')
