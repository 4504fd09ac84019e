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
  try {
    return await create(access, provider, { ...beginning, recordKey: beginning.externalId })
  } catch (error) {
    // The provider may have deleted the applicant or the customer of the user since: once more, with new ones.
    if (!(error instanceof Refused) || !GONE.includes(error.code)) throw error
    const again = `${beginning.idempotencyKey}-again`
    return create(access, provider, { ...beginning, idempotencyKey: again, recordKey: again })
  }
}

const GONE = ['NOT_FOUND', 'PROVIDER_REJECTED']

async function create(access: Access, provider: Choice, creation: Creation): Promise<string> {
  const { externalId, idempotencyKey } = creation
  const session = await INPUTS[provider](access, creation)
  const { createSession } = await ask(access, Begin, { input: { externalId, idempotencyKey, session } })
  if (createSession && 'session' in createSession) return createSession.session.id
  throw refused(createSession)
}

/** `recordKey`: begins the keys of the user's applicant and customer. */
type Creation = Beginning & { readonly recordKey: string }

/** The ids are those of the sandboxes' seed data; your own accounts have others. */
const INPUTS: Readonly<Record<Choice, (access: Access, creation: Creation) => Promise<SessionInput>>> = {
  KAYLE: async (_access, { redirectUrl }) => ({
    kayle: {
      redirectUrl,
      shareFields: [{ key: 'date_of_birth', required: true, reason: 'To see that you are of age' }],
    },
  }),
  PERSONR: async (access, creation) => ({ personr: { applicant: { applicantId: await enrol(access, creation) } } }),
  RAPIDLY: async (access, creation) => ({
    rapidly: { customer: { customerId: await register(access, creation) }, redirectUrl: creation.redirectUrl },
  }),
  VERILOCK: async (_access, { redirectUrl }) => ({
    verilock: { profileId: '01234567-89ab-cdef-0123-456789abcdef', redirectUrl },
  }),
  YORLET: async () => ({ yorlet: { applicantProviderId: 'apst_manvb9c4m2WsXy5Z' } }),
}

/** One applicant and one customer for each user, however many sessions: their keys begin with the user's id. */
async function enrol(access: Access, { externalId, recordKey }: Creation): Promise<string> {
  const personr = {
    email: `${externalId}@example.com`,
    phone: '+61 424 424 424',
    firstName: 'John',
    lastName: 'Doe',
    flowName: 'KYC basic',
  }
  const input = { externalId, idempotencyKey: `${recordKey}-applicant`, applicant: { personr } }
  const { createApplicant } = await ask(access, Enrol, { input })
  if (createApplicant && 'applicant' in createApplicant) return createApplicant.applicant.id
  throw refused(createApplicant)
}

async function register(access: Access, { externalId, recordKey }: Creation): Promise<string> {
  const rapidly = { email: `${externalId}@example.com`, name: 'John Doe' }
  const input = { externalId, idempotencyKey: `${recordKey}-customer`, customer: { rapidly } }
  const { createCustomer } = await ask(access, Register, { input })
  if (createCustomer && 'customer' in createCustomer) return createCustomer.customer.id
  throw refused(createCustomer)
}

/** The error result of a create. */
function refused(result: { readonly code?: string; readonly message?: string } | null): Refused {
  return new Refused(result?.code ?? 'INTERNAL_ERROR', result?.message ?? '')
}
