import type { NextAction } from '../src/domain/next-action.ts'
import { builder } from './builder.ts'
import { SessionConnection } from './connections.ts'
import { NextActionKindEnum } from './enums.ts'
import { ApplicantRef, CustomerRef, PersonRef, SessionRef } from './refs.ts'
import { shortText } from './rules.ts'
import { SessionFilterInput, toSessionFilter } from './sessions.ts'

const NextActionRef = builder.objectRef<NextAction>('NextAction').implement({
  description: 'What an app has its user do next. docs/person.md has the rules.',
  fields: t => ({
    kind: t.expose('kind', { type: NextActionKindEnum, nullable: false, description: 'What to do.' }),
    session: t.expose('session', {
      type: SessionRef,
      description: 'The session that decided. Null where the person has none.',
    }),
    url: t.expose('url', {
      type: 'URL',
      description: 'The page to open. Null where there is none: then a new session has to be made, or nothing done.',
    }),
    expiresAt: t.expose('expiresAt', {
      type: 'DateTime',
      description: 'Until when that page is there.',
    }),
  }),
})

builder.objectType(PersonRef, {
  description:
    "Everything known about one of the caller's own users, at every provider, joined by externalId. From our store alone.",
  fields: t => ({
    externalId: t.exposeString('externalId', { nullable: false, description: "The caller's own user id." }),
    applicants: t.field({
      type: [ApplicantRef],
      description: 'The applicants that carry the id, newest first, at most 100.',
      resolve: (person, _args, { loaders }) => loaders.applicantsOfPerson.load(person),
    }),
    customers: t.field({
      type: [CustomerRef],
      description: 'The customers that carry the id, newest first, at most 100.',
      resolve: (person, _args, { loaders }) => loaders.customersOfPerson.load(person),
    }),
    sessions: t.field({
      type: SessionConnection,
      description: 'The sessions that carry the id, newest first, a page at a time.',
      args: {
        filter: t.arg({ type: SessionFilterInput, description: 'Which of them.' }),
        first: t.arg.int({ description: 'How many, at most 100; 20 if left out.' }),
        after: t.arg.string({ description: 'The cursor to go on from.' }),
      },
      resolve: (person, { filter, ...page }, context) =>
        context.services.people.sessionsOf(context, person, toSessionFilter(filter ?? {}), page),
    }),
    nextAction: t.field({
      type: NextActionRef,
      description: 'What the person does next, by the newest session that is open, else by the newest that is not.',
      resolve: (person, _args, { loaders }) => loaders.nextActionOfPerson.load(person),
    }),
  }),
})

builder.queryField('person', t =>
  t.field({
    type: PersonRef,
    description: "One of the caller's own users. Null with NOT_FOUND where no record carries the id.",
    args: {
      externalId: t.arg.string({ required: true, description: "The caller's own user id.", validate: shortText }),
    },
    resolve: async (_root, { externalId }, { loaders, services }) =>
      services.people.known(await loaders.person.load(externalId)),
  }),
)
