import type { Trouble } from './client.ts'
import type { Event, NextAction, Provider, Session } from './operations.ts'

/**
 * All texts of the page. The enums of the API are open: a value that this page does not know is shown unchanged, or
 * like UNKNOWN.
 */

interface ProviderWords {
  readonly name: string
  readonly about: string
}

/** The providers at which this page creates sessions. */
export const PROVIDERS = {
  KAYLE: { name: 'Kayle', about: 'Your date of birth' },
  PERSONR: { name: 'Personr', about: 'Your documents' },
  RAPIDLY: { name: 'Rapidly', about: 'Your account there' },
  VERILOCK: { name: 'Verilock', about: 'Your document and face' },
  YORLET: { name: 'Yorlet', about: 'Your new home' },
} as const satisfies Partial<Record<Provider, ProviderWords>>

export type Choice = keyof typeof PROVIDERS
export const CHOICES = Object.keys(PROVIDERS) as Choice[]

export function toProviderName(provider: string): string {
  return find<ProviderWords>(PROVIDERS, provider)?.name ?? plain(provider)
}

interface NextWords {
  readonly title: string
  readonly text: string
  readonly button: string
}

const NEXT: Readonly<Record<NextAction['kind'], NextWords>> = {
  START: { title: 'Let us begin', text: 'Choose a provider.', button: '' },
  VERIFY: { title: 'Verify who you are', text: 'It takes about two minutes.', button: 'Verify at' },
  APPLY: { title: 'Finish your application', text: 'You can stop and come back.', button: 'Apply at' },
  OPEN_PORTAL: { title: 'Your portal is open', text: 'It stays open for an hour.', button: 'Open the portal of' },
  RETRY: { title: 'Please try again', text: 'It did not come to an end the last time.', button: 'Try again at' },
  WAIT: { title: 'We are looking at it', text: 'There is nothing to do. This page changes by itself.', button: '' },
  DONE: { title: 'You are all set', text: 'There is nothing left to do.', button: '' },
  REJECTED: { title: 'Not approved', text: 'The provider did not approve this. Please ask our support.', button: '' },
  UNKNOWN: { title: 'One moment', text: 'We do not know yet how this went. Please look again later.', button: '' },
}

const NEW_SESSION = 'The page that was open for you is closed. Please begin again.'

export function toNextWords({ kind, needsNewSession }: Pick<NextAction, 'kind' | 'needsNewSession'>): NextWords {
  const words = find(NEXT, kind) ?? NEXT.UNKNOWN
  return needsNewSession && words.button ? { ...words, text: NEW_SESSION, button: '' } : words
}

const OUTCOMES: Readonly<Record<Session['outcome'], string>> = {
  APPROVED: 'Approved',
  INCONCLUSIVE: 'No decision',
  IN_REVIEW: 'In review',
  NEEDS_RETRY: 'Try again',
  NOT_APPLICABLE: '',
  PENDING: '',
  REJECTED: 'Rejected',
  UNKNOWN: '',
}

/** The decision, or an empty text if there is none yet. */
export function toOutcomeWord(outcome: string): string {
  return find(OUTCOMES, outcome) ?? ''
}

function find<Entry>(entries: Readonly<Record<string, Entry>>, value: string): Entry | undefined {
  return Object.hasOwn(entries, value) ? entries[value] : undefined
}

/** IN_PROGRESS → In progress. */
export function plain(word: string): string {
  const text = word.toLowerCase().replaceAll('_', ' ')
  return text.charAt(0).toUpperCase() + text.slice(1)
}

export function describeEvent(event: Event): string {
  switch (event.__typename) {
    case 'SessionCreated':
      return 'Begun'
    case 'SessionStatusChanged':
      return [plain(event.sessionStatus), toOutcomeWord(event.outcome).toLowerCase()].filter(Boolean).join(', ')
    case 'AttemptStatusChanged':
      return `An attempt: ${plain(event.attemptStatus).toLowerCase()}`
    case 'WebhookReceived':
      return `The provider told us: ${event.providerEvent.replaceAll(/[._]/g, ' ')}`
    case 'SessionLinksChanged':
      return 'Linked to your account'
    default:
      return 'Something changed'
  }
}

/** A sentence for the end user; the message of the API is for developers. */
export function toSentence({ code }: Trouble): string {
  return find(SENTENCES, code) ?? 'Something went wrong on our side. Please try again later.'
}

const LATER = 'That took too long. Please try again: nothing is done twice.'
const AWAY = 'The provider cannot be reached just now. Please try again in a minute.'

const SENTENCES: Readonly<Record<string, string>> = {
  DEADLINE_EXCEEDED: LATER,
  IDEMPOTENCY_IN_PROGRESS: 'This is being done already. Please wait a moment.',
  INVALID_INPUT: 'The provider needs something else from you. Please tell our support.',
  OVERLOADED: 'Many people are here at once. Please try again in a minute.',
  PROVIDER_NOT_CONFIGURED: 'This provider is not available here.',
  PROVIDER_RATE_LIMITED: AWAY,
  PROVIDER_REJECTED: 'The provider did not accept this. Please choose another one.',
  PROVIDER_UNAVAILABLE: AWAY,
  RATE_LIMITED: 'That was a little too fast. Please try again in a minute.',
  UNAUTHENTICATED: 'You are not logged in any more. Please load the page again.',
  UNCONFIRMED: LATER,
  UNREACHABLE: 'We cannot be reached. Please look at your connection and try again.',
}
