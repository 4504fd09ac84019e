/* eslint-disable */
/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { TypedDocumentNode as DocumentNode } from '@graphql-typed-document-node/core';
/** The progress of an attempt. Values are added: treat one that you do not know like UNKNOWN. */
export type AttemptStatus =
  /** The attempt was canceled. */
  | 'CANCELED'
  /** The attempt failed. See `failureCode`. */
  | 'FAILED'
  /** The attempt has not ended. */
  | 'IN_PROGRESS'
  /** The attempt succeeded. */
  | 'SUCCEEDED'
  /** The provider reported a status that is not known here. See `providerStatus`. */
  | 'UNKNOWN'
  | '%future added value';

/** A session to create. */
export type CreateSessionInput = {
  /** An applicant to link, of any provider, by an id of at most 255 characters. */
  applicantId?: string | number | null | undefined;
  /** A customer to link, of any provider, by an id of at most 255 characters. */
  customerId?: string | number | null | undefined;
  /** Your id for this user, 1 to 255 characters. All records with the same value belong to one `Person`. */
  externalId?: string | null | undefined;
  /** A unique key that you choose for this request, 1 to 255 characters. Repeating a request with the same key never creates a second record. */
  idempotencyKey: string;
  /** Your own data: a JSON object of at most 50 keys of 1 to 255 characters, 8192 bytes and 10 levels. Numbers must be exact as doubles. Verilock receives it too. */
  metadata?: unknown;
  /** The provider, and the input that it requires. */
  session: ProviderSessionInput;
};

/** The code of an error, in a result or in `extensions.code`. Values are added: show one that you do not know as it is. */
export type ErrorCode =
  /** The request is malformed: JSON, variables, operation name or headers. */
  | 'BAD_REQUEST'
  /** The cursor is older than the stored events. */
  | 'CURSOR_EXPIRED'
  /** The cursor is malformed or belongs to another list. */
  | 'CURSOR_INVALID'
  /** The operation took too long. */
  | 'DEADLINE_EXCEEDED'
  /** The document is not registered on this server. */
  | 'DOCUMENT_NOT_TRUSTED'
  /** Access denied for the fields in `paths`. */
  | 'FORBIDDEN'
  /** The document is not valid GraphQL syntax. */
  | 'GRAPHQL_PARSE_FAILED'
  /** The document does not match the schema. */
  | 'GRAPHQL_VALIDATION_FAILED'
  /** A create with this idempotency key is still running. */
  | 'IDEMPOTENCY_IN_PROGRESS'
  /** The idempotency key was used with another input. */
  | 'IDEMPOTENCY_KEY_REUSED'
  /** Internal error. Quote `requestId` when contacting support. */
  | 'INTERNAL_ERROR'
  /** The input is invalid. `issues` lists every problem. Nothing was sent to the provider. */
  | 'INVALID_INPUT'
  /** The HTTP method is not allowed. */
  | 'METHOD_NOT_ALLOWED'
  /** The record does not exist, belongs to another tenant, or was erased. */
  | 'NOT_FOUND'
  /** The server is at capacity or shutting down, or its database is unavailable. */
  | 'OVERLOADED'
  /** The request body is too large. */
  | 'PAYLOAD_TOO_LARGE'
  /** The request has only the hash of a document, and this server registers none. Clients then send the text. */
  | 'PERSISTED_QUERY_NOT_SUPPORTED'
  /** The provider rejected the server's credentials. */
  | 'PROVIDER_AUTH_FAILED'
  /** The provider's response did not match its documentation. */
  | 'PROVIDER_CONTRACT_BROKEN'
  /** The provider has no credentials on this server. */
  | 'PROVIDER_NOT_CONFIGURED'
  /** The provider's rate limit is exceeded. */
  | 'PROVIDER_RATE_LIMITED'
  /** The provider rejected the request. See `providerCode`. */
  | 'PROVIDER_REJECTED'
  /** The provider is down or too slow, or its circuit breaker is open. */
  | 'PROVIDER_UNAVAILABLE'
  /** The document exceeds a limit of size, depth or cost. */
  | 'QUERY_TOO_COMPLEX'
  /** The rate limit of the API key or address is exceeded. */
  | 'RATE_LIMITED'
  /** The API key or client token is missing, invalid, expired or revoked. */
  | 'UNAUTHENTICATED'
  /** The provider's response was lost. Repeat the request with the same idempotency key. */
  | 'UNCONFIRMED'
  /** The provider does not support this. See `capability`. */
  | 'UNSUPPORTED_BY_PROVIDER'
  /** The request body is not JSON in UTF-8. */
  | 'UNSUPPORTED_MEDIA_TYPE'
  | '%future added value';

/** An identity verification session at Kayle. */
export type KayleSessionInput = {
  /** Where the end user is redirected afterwards, at most 2048 characters, on a domain verified at Kayle. */
  redirectUrl?: string | null | undefined;
  /** The claims to request, at most 32, each key once, at most one age gate. Default: all claims. An empty list requests the document id only. */
  shareFields?: Array<KayleShareFieldInput> | null | undefined;
};

/** A claim to request. */
export type KayleShareFieldInput = {
  /** A claim such as `date_of_birth`, or `age_over_N` with N from 12 to 130; at most 32 characters. */
  key: string;
  /** The reason that is shown to the end user, 1 to 200 characters. It may be empty for an age gate beside `date_of_birth`. */
  reason: string;
  /** True if the end user cannot decline it. */
  required: boolean;
};

/** The provider's decision, the same words for all providers. Never derived from the status alone. Values are added: treat one that you do not know like UNKNOWN. */
export type Outcome =
  /** The provider approved. */
  | 'APPROVED'
  /** The provider ended without a decision: a new session is needed. */
  | 'INCONCLUSIVE'
  /** A person at the provider reviews it. */
  | 'IN_REVIEW'
  /** The provider requires the end user to try again in the same session. */
  | 'NEEDS_RETRY'
  /** No decision is made: the provider decides nothing, or the session was canceled or expired. */
  | 'NOT_APPLICABLE'
  /** The provider has not decided. */
  | 'PENDING'
  /** The provider rejected. */
  | 'REJECTED'
  /** The provider reported a decision that is not known here, or none although it has finished. */
  | 'UNKNOWN'
  | '%future added value';

/** An applicant at Personr: exactly one key. */
export type PersonrApplicantRef =
  {   /** The id of the applicant here, 1 to 255 characters. */
  applicantId: string | number; applicantProviderId?: never; }
  |  { applicantId?: never;   /** Personr's id of the applicant, 1 to 255 characters. */
  applicantProviderId: string; };

/** A verification link for an applicant at Personr. */
export type PersonrSessionInput = {
  /** The applicant to verify. */
  applicant: PersonrApplicantRef;
};

/** The providers, alphabetical. Values are added: show one that you do not know as it is. */
export type Provider =
  /** The provider Kayle. */
  | 'KAYLE'
  /** The provider Personr. */
  | 'PERSONR'
  /** The provider Rapidly. */
  | 'RAPIDLY'
  /** The provider Verilock. */
  | 'VERILOCK'
  /** The provider Yorlet. */
  | 'YORLET'
  | '%future added value';

/** The provider to create a session at: exactly one key. */
export type ProviderSessionInput =
  {   /** An identity verification session at Kayle. */
  kayle: KayleSessionInput; personr?: never; rapidly?: never; verilock?: never; yorlet?: never; }
  |  { kayle?: never;   /** A verification link for an applicant at Personr. */
  personr: PersonrSessionInput; rapidly?: never; verilock?: never; yorlet?: never; }
  |  { kayle?: never; personr?: never;   /** A session of one hour in Rapidly's customer portal. */
  rapidly: RapidlySessionInput; verilock?: never; yorlet?: never; }
  |  { kayle?: never; personr?: never; rapidly?: never;   /** A know-your-customer session at Verilock. */
  verilock: VerilockSessionInput; yorlet?: never; }
  |  { kayle?: never; personr?: never; rapidly?: never; verilock?: never;   /** An application session at Yorlet. */
  yorlet: YorletSessionInput; };

/** The customer a session is for: exactly one key. */
export type RapidlyCustomerRef =
  {   /** Your own id for the customer, as stored at Rapidly, 1 to 255 characters. */
  customerExternalId: string; customerId?: never; customerProviderId?: never; }
  |  { customerExternalId?: never;   /** The id of a customer of Rapidly here, 1 to 255 characters. */
  customerId: string | number; customerProviderId?: never; }
  |  { customerExternalId?: never; customerId?: never;   /** Rapidly's id, a UUID of version 4, 36 characters. */
  customerProviderId: string; };

/** A session of one hour in Rapidly's customer portal. */
export type RapidlySessionInput = {
  /** The customer to open the portal for. */
  customer: RapidlyCustomerRef;
  /** Your own id for a member of the customer, 1 to 255 characters. */
  externalMemberId?: string | null | undefined;
  /** Rapidly's id of a member of the customer, a UUID of version 4, 36 characters. */
  memberId?: string | null | undefined;
  /** The target of the portal's back button, at most 2048 characters. Default: no button. */
  redirectUrl?: string | null | undefined;
};

/** The progress of a session, the same for all providers. See `Outcome` for the decision. Values are added: treat one that you do not know like UNKNOWN. */
export type SessionStatus =
  /** The session was canceled, here or at the provider. */
  | 'CANCELED'
  /** The provider has finished. See `outcome`. */
  | 'COMPLETED'
  /** The end user has not started. */
  | 'CREATED'
  /** The session expired before it was completed. */
  | 'EXPIRED'
  /** The end user has started; the provider has not finished. */
  | 'IN_PROGRESS'
  /** The provider reported a status that is not known here. See `providerStatus`. */
  | 'UNKNOWN'
  | '%future added value';

/** A know-your-customer session at Verilock. */
export type VerilockSessionInput = {
  /** The e-mail address of the end user, at most 254 bytes, 64 of them before the @. */
  applicantEmail?: string | null | undefined;
  /** The full name of the end user, 1 to 255 characters. */
  applicantName?: string | null | undefined;
  /** Seconds until the session expires, 300 to 86400. Default: 3600. */
  expiresInSeconds?: number | null | undefined;
  /** The UUID of the verification profile, 36 characters, from Verilock's dashboard. */
  profileId: string;
  /** Where the end user is redirected afterwards, at most 2048 characters. */
  redirectUrl?: string | null | undefined;
};

/** An application session at Yorlet, for an applicant that exists there. */
export type YorletSessionInput = {
  /** Yorlet's id of the applicant: 1 to 255 letters, digits and underscores. */
  applicantProviderId: string;
  /** True to have Yorlet e-mail the link to the applicant. Default: Yorlet's own setting. */
  sendEmail?: boolean | null | undefined;
};

export type CreateSessionMutationVariables = Exact<{
  input: CreateSessionInput;
}>;


export type CreateSessionMutation = { createSession:
    | { __typename: 'CreateSessionPayload', replayed: boolean, session: { id: string, providerId: string, liveCursor: string, access: { hostedUrl: string | null } | null } }
    | { __typename: 'IdempotencyConflictError', code: ErrorCode, message: string, retryable: boolean, retryAfterSeconds: number | null }
    | { __typename: 'InvalidInputError', code: ErrorCode, message: string, retryable: boolean, retryAfterSeconds: number | null, issues: Array<{ path: Array<string>, message: string }> }
    | { __typename: 'NotFoundError', code: ErrorCode, message: string, retryable: boolean, retryAfterSeconds: number | null }
    | { __typename: 'ProviderContractError', code: ErrorCode, message: string, retryable: boolean, retryAfterSeconds: number | null }
    | { __typename: 'ProviderRejectedError', code: ErrorCode, message: string, retryable: boolean, retryAfterSeconds: number | null }
    | { __typename: 'ProviderUnavailableError', code: ErrorCode, message: string, retryable: boolean, retryAfterSeconds: number | null }
    | { __typename: 'UnconfirmedError', code: ErrorCode, message: string, retryable: boolean, retryAfterSeconds: number | null }
   | null };

export type ReadSessionQueryVariables = Exact<{
  id: string | number;
}>;


export type ReadSessionQuery = { session: { id: string, provider: Provider, status: SessionStatus, outcome: Outcome, createdAt: string, attempts: { nodes: Array<{ id: string, status: AttemptStatus }> } | null, applicant: { id: string, email: string | null } | null, customer: { id: string, name: string | null } | null } | null };

export type FollowSessionSubscriptionVariables = Exact<{
  id: string | number;
  after?: string | null | undefined;
}>;


export type FollowSessionSubscription = { sessionUpdated: { cursor: string, event:
      | { __typename: 'AttemptStatusChanged', at: string }
      | { __typename: 'ExternalIdConflict', at: string }
      | { __typename: 'SessionCreated', at: string }
      | { __typename: 'SessionLinksChanged', at: string }
      | { __typename: 'SessionStatusChanged', at: string }
      | { __typename: 'WebhookReceived', at: string }
    , session: { id: string, status: SessionStatus, outcome: Outcome } } };


export const CreateSessionDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"mutation","name":{"kind":"Name","value":"CreateSession"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"input"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"CreateSessionInput"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"createSession"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"input"},"value":{"kind":"Variable","name":{"kind":"Name","value":"input"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"CreateSessionPayload"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"replayed"}},{"kind":"Field","name":{"kind":"Name","value":"session"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"providerId"}},{"kind":"Field","name":{"kind":"Name","value":"liveCursor"}},{"kind":"Field","name":{"kind":"Name","value":"access"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"hostedUrl"}}]}}]}}]}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"InvalidInputError"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"issues"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"path"}},{"kind":"Field","name":{"kind":"Name","value":"message"}}]}}]}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"MutationError"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"code"}},{"kind":"Field","name":{"kind":"Name","value":"message"}},{"kind":"Field","name":{"kind":"Name","value":"retryable"}},{"kind":"Field","name":{"kind":"Name","value":"retryAfterSeconds"}}]}}]}}]}}]} as unknown as DocumentNode<CreateSessionMutation, CreateSessionMutationVariables>;
export const ReadSessionDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"ReadSession"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"id"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"ID"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"session"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"by"},"value":{"kind":"ObjectValue","fields":[{"kind":"ObjectField","name":{"kind":"Name","value":"id"},"value":{"kind":"Variable","name":{"kind":"Name","value":"id"}}}]}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"provider"}},{"kind":"Field","name":{"kind":"Name","value":"status"}},{"kind":"Field","name":{"kind":"Name","value":"outcome"}},{"kind":"Field","name":{"kind":"Name","value":"createdAt"}},{"kind":"Field","name":{"kind":"Name","value":"attempts"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"last"},"value":{"kind":"IntValue","value":"10"}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"nodes"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"status"}}]}}]}},{"kind":"Field","name":{"kind":"Name","value":"applicant"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"email"}}]}},{"kind":"Field","name":{"kind":"Name","value":"customer"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"name"}}]}}]}}]}}]} as unknown as DocumentNode<ReadSessionQuery, ReadSessionQueryVariables>;
export const FollowSessionDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"subscription","name":{"kind":"Name","value":"FollowSession"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"id"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"ID"}}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"after"}},"type":{"kind":"NamedType","name":{"kind":"Name","value":"String"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"sessionUpdated"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"id"},"value":{"kind":"Variable","name":{"kind":"Name","value":"id"}}},{"kind":"Argument","name":{"kind":"Name","value":"after"},"value":{"kind":"Variable","name":{"kind":"Name","value":"after"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"cursor"}},{"kind":"Field","name":{"kind":"Name","value":"event"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"at"}}]}},{"kind":"Field","name":{"kind":"Name","value":"session"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"status"}},{"kind":"Field","name":{"kind":"Name","value":"outcome"}}]}}]}}]}}]} as unknown as DocumentNode<FollowSessionSubscription, FollowSessionSubscriptionVariables>;