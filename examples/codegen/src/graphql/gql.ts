/* eslint-disable */
import * as types from './graphql.ts';
import type { TypedDocumentNode as DocumentNode } from '@graphql-typed-document-node/core';

/**
 * Map of all GraphQL operations in the project.
 *
 * This map has several performance disadvantages:
 * 1. It is not tree-shakeable, so it will include all operations in the project.
 * 2. It is not minifiable, so the string of a GraphQL query will be multiple times inside the bundle.
 * 3. It does not support dead code elimination, so it will add unused operations.
 *
 * Therefore it is highly recommended to use the babel or swc plugin for production.
 * Learn more about it here: https://the-guild.dev/graphql/codegen/plugins/presets/preset-client#reducing-bundle-size
 */
type Documents = {
    "\n  mutation CreateSession($input: CreateSessionInput!) {\n    createSession(input: $input) {\n      __typename\n      ... on CreateSessionPayload {\n        replayed\n        session {\n          id\n          providerId\n          liveCursor\n          access {\n            hostedUrl\n          }\n        }\n      }\n      ... on InvalidInputError {\n        issues {\n          path\n          message\n        }\n      }\n      ... on MutationError {\n        code\n        message\n        retryable\n        retryAfterSeconds\n      }\n    }\n  }\n": typeof types.CreateSessionDocument,
    "\n  query ReadSession($id: ID!) {\n    session(by: { id: $id }) {\n      id\n      provider\n      status\n      outcome\n      createdAt\n      attempts(last: 10) {\n        nodes {\n          id\n          status\n        }\n      }\n      applicant {\n        id\n        email\n      }\n      customer {\n        id\n        name\n      }\n    }\n  }\n": typeof types.ReadSessionDocument,
    "\n  subscription FollowSession($id: ID!, $after: String) {\n    sessionUpdated(id: $id, after: $after) {\n      cursor\n      event {\n        __typename\n        at\n      }\n      session {\n        id\n        status\n        outcome\n      }\n    }\n  }\n": typeof types.FollowSessionDocument,
};
const documents: Documents = {
    "\n  mutation CreateSession($input: CreateSessionInput!) {\n    createSession(input: $input) {\n      __typename\n      ... on CreateSessionPayload {\n        replayed\n        session {\n          id\n          providerId\n          liveCursor\n          access {\n            hostedUrl\n          }\n        }\n      }\n      ... on InvalidInputError {\n        issues {\n          path\n          message\n        }\n      }\n      ... on MutationError {\n        code\n        message\n        retryable\n        retryAfterSeconds\n      }\n    }\n  }\n": types.CreateSessionDocument,
    "\n  query ReadSession($id: ID!) {\n    session(by: { id: $id }) {\n      id\n      provider\n      status\n      outcome\n      createdAt\n      attempts(last: 10) {\n        nodes {\n          id\n          status\n        }\n      }\n      applicant {\n        id\n        email\n      }\n      customer {\n        id\n        name\n      }\n    }\n  }\n": types.ReadSessionDocument,
    "\n  subscription FollowSession($id: ID!, $after: String) {\n    sessionUpdated(id: $id, after: $after) {\n      cursor\n      event {\n        __typename\n        at\n      }\n      session {\n        id\n        status\n        outcome\n      }\n    }\n  }\n": types.FollowSessionDocument,
};

/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 *
 *
 * @example
 * ```ts
 * const query = graphql(`query GetUser($id: ID!) { user(id: $id) { name } }`);
 * ```
 *
 * The query argument is unknown!
 * Please regenerate the types.
 */
export function graphql(source: string): unknown;

/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation CreateSession($input: CreateSessionInput!) {\n    createSession(input: $input) {\n      __typename\n      ... on CreateSessionPayload {\n        replayed\n        session {\n          id\n          providerId\n          liveCursor\n          access {\n            hostedUrl\n          }\n        }\n      }\n      ... on InvalidInputError {\n        issues {\n          path\n          message\n        }\n      }\n      ... on MutationError {\n        code\n        message\n        retryable\n        retryAfterSeconds\n      }\n    }\n  }\n"): (typeof documents)["\n  mutation CreateSession($input: CreateSessionInput!) {\n    createSession(input: $input) {\n      __typename\n      ... on CreateSessionPayload {\n        replayed\n        session {\n          id\n          providerId\n          liveCursor\n          access {\n            hostedUrl\n          }\n        }\n      }\n      ... on InvalidInputError {\n        issues {\n          path\n          message\n        }\n      }\n      ... on MutationError {\n        code\n        message\n        retryable\n        retryAfterSeconds\n      }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query ReadSession($id: ID!) {\n    session(by: { id: $id }) {\n      id\n      provider\n      status\n      outcome\n      createdAt\n      attempts(last: 10) {\n        nodes {\n          id\n          status\n        }\n      }\n      applicant {\n        id\n        email\n      }\n      customer {\n        id\n        name\n      }\n    }\n  }\n"): (typeof documents)["\n  query ReadSession($id: ID!) {\n    session(by: { id: $id }) {\n      id\n      provider\n      status\n      outcome\n      createdAt\n      attempts(last: 10) {\n        nodes {\n          id\n          status\n        }\n      }\n      applicant {\n        id\n        email\n      }\n      customer {\n        id\n        name\n      }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  subscription FollowSession($id: ID!, $after: String) {\n    sessionUpdated(id: $id, after: $after) {\n      cursor\n      event {\n        __typename\n        at\n      }\n      session {\n        id\n        status\n        outcome\n      }\n    }\n  }\n"): (typeof documents)["\n  subscription FollowSession($id: ID!, $after: String) {\n    sessionUpdated(id: $id, after: $after) {\n      cursor\n      event {\n        __typename\n        at\n      }\n      session {\n        id\n        status\n        outcome\n      }\n    }\n  }\n"];

export function graphql(source: string) {
  return (documents as any)[source] ?? {};
}

export type DocumentType<TDocumentNode extends DocumentNode<any, any>> = TDocumentNode extends DocumentNode<  infer TType,  any>  ? TType  : never;