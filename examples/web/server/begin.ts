import type { VariablesOf } from 'gql.tada'
import { graphql } from '../src/graphql.ts'
import type { Choice } from '../src/words.ts'
import { type Access, ask, Refused } from './sessiongraph.ts'

const Begin = graphql(`
  mutation Begin($input: CreateSessionInput!) {
    createSession(input: $input) {
      ... on CreateSessionPayload {
        session {
          id
        }
      }
      ... on MutationError {
        code
        message
      }
    }
  }
`)

const Enrol = graphql(`
  mutation Enrol($input: CreateApplicantInput!) {
    createApplicant(input: $input) {
      ... on CreateApplicantPayload {
        applicant {
          id
        }
      }
      ... on MutationError {
        code
        message
      }
    }
  }
`)

const Register = graphql(`
  mutation Register($input: CreateCustomerInput!) {
    createCustomer(input: $input) {
      ... on CreateCustomerPayload {
        customer {
          id
        }
      }
      ... on MutationError {
        code
        message
      }
    }
  }
`)

type SessionInput = VariablesOf<typeof Begin>['input']['session']

export interface Beginning {
  readonly externalId: string
  /**
   * Created by the browser for one press of the button: pressing it again after a lost response creates no second
   * session.
   */
  readonly idempotencyKey: string
  readonly redirectUrl: string
}

/** Creates a session at a provider, with the input that it requires, and returns its id. */
export async function begin(access: Access, provider: Choice, beginning: Beginning): Promise<string> {
  const { externalId, idempotencyKey } = beginning
  const session = await INPUTS[provider](access, beginning)
  const { createSession } = await ask(access, Begin, { input: { externalId, idempotencyKey, session } })
  if (createSession && 'session' in createSession) return createSession.session.id
  throw refused(createSession)
}

/** The ids are those of the sandboxes' seed data; your own accounts have others. */
const INPUTS: Readonly<Record<Choice, (access: Access, beginning: Beginning) => Promise<SessionInput>>> = {
  KAYLE: async (_access, { redirectUrl }) => ({
    kayle: {
      redirectUrl,
      shareFields: [{ key: 'date_of_birth', required: true, reason: 'To see that you are of age' }],
    },
  }),
  PERSONR: async (access, beginning) => ({ personr: { applicant: { applicantId: await enrol(access, beginning) } } }),
  RAPIDLY: async (access, beginning) => ({
    rapidly: { customer: { customerId: await register(access, beginning) }, redirectUrl: beginning.redirectUrl },
  }),
  VERILOCK: async (_access, { redirectUrl }) => ({
    verilock: { profileId: '01234567-89ab-cdef-0123-456789abcdef', redirectUrl },
  }),
  YORLET: async () => ({ yorlet: { applicantProviderId: 'apst_manvb9c4m2WsXy5Z' } }),
}

/** One applicant and one customer for each user, however many sessions: the key is the user's id. */
async function enrol(access: Access, { externalId }: Beginning): Promise<string> {
  const personr = {
    email: `${externalId}@example.com`,
    phone: '+61 424 424 424',
    firstName: 'John',
    lastName: 'Doe',
    flowName: 'KYC basic',
  }
  const input = { externalId, idempotencyKey: `${externalId}-applicant`, applicant: { personr } }
  const { createApplicant } = await ask(access, Enrol, { input })
  if (createApplicant && 'applicant' in createApplicant) return createApplicant.applicant.id
  throw refused(createApplicant)
}

async function register(access: Access, { externalId }: Beginning): Promise<string> {
  const rapidly = { email: `${externalId}@example.com`, name: 'John Doe' }
  const input = { externalId, idempotencyKey: `${externalId}-customer`, customer: { rapidly } }
  const { createCustomer } = await ask(access, Register, { input })
  if (createCustomer && 'customer' in createCustomer) return createCustomer.customer.id
  throw refused(createCustomer)
}

/** The error result of a create. */
function refused(result: { readonly code?: string; readonly message?: string } | null): Refused {
  return new Refused(result?.code ?? 'INTERNAL_ERROR', result?.message ?? '')
}
