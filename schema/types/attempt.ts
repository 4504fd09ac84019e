import { builder } from '../builder.ts'
import { attemptDetails, withProvider } from './details.ts'
import { AttemptKindEnum, AttemptStatusEnum, ProviderEnum } from './enums.ts'
import { ApplicantRef, AttemptRef, SessionRef } from './refs.ts'

builder.objectType(AttemptRef, {
  description: 'One attempt, check or review of a verification.',
  fields: t => ({
    provider: t.expose('provider', {
      type: ProviderEnum,
      nullable: false,
      description: 'The provider that holds this record.',
    }),
    providerId: t.exposeString('providerId', {
      nullable: false,
      description:
        "The id that the provider uses for this attempt; derived from the session's id if the provider has none.",
    }),
    kind: t.expose('kind', {
      type: AttemptKindEnum,
      nullable: false,
      description: 'What the attempt is at its provider.',
    }),
    status: t.expose('status', {
      type: AttemptStatusEnum,
      nullable: false,
      description: 'Progress, the same for all providers.',
    }),
    providerStatus: t.exposeString('providerStatus', {
      description: 'The status as the provider reports it, unchanged. For display and support, not for logic.',
    }),
    failureCode: t.exposeString('failureCode', {
      description: "The provider's own code of the failure. Values are added.",
    }),
    riskScore: t.exposeFloat('riskScore', { description: 'From 0 (no risk) to 1; null until it is assessed.' }),
    createdAt: t.expose('createdAt', {
      type: 'DateTime',
      nullable: false,
      description: 'When the provider created it; if the provider does not report that, when it was first stored here.',
    }),
    updatedAt: t.expose('updatedAt', {
      type: 'DateTime',
      nullable: false,
      description:
        'When the provider last changed it; if the provider does not report that, when the last change was stored here.',
    }),
    completedAt: t.expose('completedAt', { type: 'DateTime', description: 'When it ended.' }),
    session: t.field({
      type: SessionRef,
      description: 'The session it belongs to.',
      resolve: ({ sessionId }, _args, { loaders }) => (sessionId ? loaders.storedSession.load(sessionId) : null),
    }),
    applicant: t.field({
      type: ApplicantRef,
      description: 'The applicant it is about.',
      resolve: ({ applicantId }, _args, { loaders }) =>
        applicantId ? loaders.storedApplicant.load(applicantId) : null,
    }),
    details: t.field({
      type: attemptDetails.ref,
      nullable: false,
      description: 'Fields that only this provider has.',
      resolve: withProvider,
    }),
  }),
})
