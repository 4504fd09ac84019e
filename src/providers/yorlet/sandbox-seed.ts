import { random } from '../../sandbox/random.ts'
import type { SandboxContext } from '../../sandbox/sandbox.ts'
import type { Collection } from '../../sandbox/store.ts'
import type { MODES, SESSION_STATUSES } from './wire.ts'

/** Stored Yorlet objects; a session's link is added when it is shown. */
export interface Objects {
  readonly applications: Collection<SandboxApplication>
  readonly applicants: Collection<SandboxApplicant>
  readonly customers: Collection<SandboxCustomer>
  readonly sessions: Collection<SandboxSession>
}

type Mode = (typeof MODES)[number]
export type SandboxSessionStatus = (typeof SESSION_STATUSES)[number]

interface Entry {
  readonly id: string
  readonly created: number
}
export type SandboxApplication = ReturnType<typeof application>
export type SandboxApplicant = ReturnType<typeof applicant>
export type SandboxCustomer = ReturnType<typeof newCustomer>
export interface SandboxSession extends Entry {
  readonly object: 'application_session'
  readonly application: string
  readonly application_status: string
  readonly customer: string
  readonly mode: Mode
  readonly status: SandboxSessionStatus
}

export function openObjects(context: SandboxContext): Objects {
  const objects: Objects = {
    applications: context.collection('applications'),
    applicants: context.collection('applicants'),
    customers: context.collection('customers'),
    sessions: context.collection('application_sessions'),
  }
  if (context.isNew) seed(objects)
  return objects
}

/** An object with an id like the real ones: eight characters of milliseconds, eight random ones. */
export function newEntry(prefix: string, now: Date): Entry {
  const id = `${prefix}_${now.getTime().toString(36)}${random.mixed(8)}`
  return { id, created: Math.floor(now.getTime() / 1000) }
}

interface CustomerFields {
  readonly email: string
  readonly name: string | null
  readonly phone: string | null
  readonly description: string | null
  readonly metadata: object
}

export function newCustomer(entry: Entry, fields: CustomerFields) {
  return {
    ...entry,
    object: 'customer',
    ...fields,
    address: { line1: null, line2: null, city: null, country: null, postal_code: null, state: null },
    legal: { first_name: null, last_name: null, dob: { day: null, month: null, year: null } },
    default_payment_method: null,
    delinquent: false,
  }
}

function application(entry: Entry, mode: Mode) {
  return { ...entry, object: 'application', application_mode: mode, open: true, status: 'pending' }
}

function applicant(
  entry: Entry,
  application: string,
  customer: string,
  fields: { lead_tenant: boolean; permitted_occupier: boolean; share_of_rent: number },
) {
  return {
    ...entry,
    object: 'application.applicant',
    application,
    customer,
    status: 'pending',
    currency: 'gbp',
    ...fields,
  }
}

function seed({ applications, applicants, customers }: Objects): void {
  const sole = { lead_tenant: true, permitted_occupier: false, share_of_rent: 100 }
  const other = { lead_tenant: false, permitted_occupier: true, share_of_rent: 0 }
  const put = <T extends Entry>(collection: Collection<T>, value: T) => collection.put(value.id, value)
  const entry = (id: string): Entry => {
    const milliseconds = Number.parseInt(id.split('_')[1]?.slice(0, 8) ?? '', 36)
    return { id, created: Math.floor(milliseconds / 1000) }
  }
  const person = (id: string, name: string) =>
    put(
      customers,
      newCustomer(entry(id), {
        email: `${name.split(' ')[0]?.toLowerCase()}@example.com`,
        name,
        phone: '+442079460018',
        description: null,
        metadata: {},
      }),
    ).id

  const ada = person('cus_lrhplff1u4ZhIPSU', 'Ada Byron')
  const classic = put(applications, application(entry('app_manvb1x2k9QpLr3T'), 'classic')).id
  put(applicants, applicant(entry('apst_manvb9c4m2WsXy5Z'), classic, ada, sole))

  const grace = person('cus_manvcz0pHd3JyV7s', 'Grace Murray')
  const edsger = person('cus_manvcz1rEn2UaM8k', 'Edsger Wybe')
  const configured = put(applications, application(entry('app_manvd7h3Qm8KtW2c'), 'configuration')).id
  put(applicants, applicant(entry('apst_manvd7k1Bz6NxR4f'), configured, grace, sole))
  put(applicants, applicant(entry('apst_manvd7k2Tg9PcL5w'), configured, edsger, other))
}
