import { builder } from '../builder.ts'
import { pageArguments } from '../inputs/page-arguments.ts'
import { choices } from '../inputs/rules.ts'
import { ProviderEnum } from '../types/enums.ts'
import { TimelineEventConnection } from '../types/timeline.ts'

const EventFilterInput = builder.inputType('EventFilter', {
  description:
    'Conditions for events, all of which must match. An omitted condition matches every event; an empty list matches none.',
  fields: t => ({
    providers: t.field({
      type: [ProviderEnum],
      description: 'Of sessions at one of these providers, at most 20.',
      validate: choices,
    }),
  }),
})

builder.queryField('events', t => {
  const { first, after } = pageArguments(t.arg)
  return t.field({
    type: TimelineEventConnection,
    description:
      'Lists the events of all sessions, oldest first. A `liveCursor` and the cursor of a subscription are valid as `after`, too.',
    args: {
      filter: t.arg({ type: EventFilterInput, description: 'Conditions that the items must match.' }),
      first,
      after,
    },
    resolve: (_root, { filter, ...page }, context) => context.services.eventStream.events(context, filter ?? {}, page),
  })
})
