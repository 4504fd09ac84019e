import { builder } from './builder.ts'
import { attemptDetails, withProvider } from './details.ts'
import { AttemptKindEnum, AttemptStatusEnum, ProviderEnum } from './enums.ts'
import { ApplicantRef, AttemptRef, SessionRef } from './refs.ts'

builder.objectType(AttemptRef, {
  description: 'One try, check or review inside a verification.',
  fields: t => ({
    provider: t.expose('provider', { type: ProviderEnum, nullable: false, description: 'Where.' }),
    providerId: t.exposeString('providerId', {
      nullable: false,
      description: "The provider's id; made by us from the session's where the provider has none.",
    }),
    kind: t.expose('kind', { type: AttemptKindEnum, nullable: false, description: 'What it is.' }),
    status: t.expose('status', {
      type: AttemptStatusEnum,
      nullable: false,
      description: 'How far it got.',
    }),
    providerStatus: t.exposeString('providerStatus', { description: "The provider's own word, verbatim." }),
    failureCode: t.exposeString('failureCode', {
      description: "Why it failed, in the provider's words. An open list.",
    }),
    riskScore: t.exposeFloat('riskScore', { description: '0 (no risk) to 1; null while unjudged.' }),
    createdAt: t.expose('createdAt', {
      type: 'DateTime',
      nullable: false,
      description: "The provider's time where it tells one, else when we stored it.",
    }),
    updatedAt: t.expose('updatedAt', {
      type: 'DateTime',
      nullable: false,
      description: "The provider's time where it tells one, else when we saw the last change.",
    }),
    completedAt: t.expose('completedAt', { type: 'DateTime', description: 'When it ended.' }),
    session: t.field({ type: SessionRef, description: 'The session it belongs to.', resolve: it => it.sessionId }),
    applicant: t.field({
      type: ApplicantRef,
      description: 'The applicant it is about.',
      resolve: it => it.applicantId,
    }),
    details: t.field({
      type: attemptDetails.ref,
      nullable: false,
      description: 'What differs by provider.',
      resolve: withProvider,
    }),
  }),
})
