import type { Trouble } from './client.ts'
import type { Event, NextAction, Provider, Session } from './operations.ts'

/** Everything that the page says, in one place. */

export const PROVIDERS: Readonly<Record<Provider, { name: string; about: string }>> = {
  KAYLE: { name: 'Kayle', about: 'Your date of birth' },
  PERSONR: { name: 'Personr', about: 'Your documents' },
  RAPIDLY: { name: 'Rapidly', about: 'Your account there' },
  VERILOCK: { name: 'Verilock', about: 'Your document and face' },
  YORLET: { name: 'Yorlet', about: 'Your new home' },
}

export const CHOICES = Object.keys(PROVIDERS) as Provider[]

export const NEXT: Readonly<Record<NextAction['kind'], { title: string; text: string; button: string }>> = {
  VERIFY: { title: 'Verify who you are', text: 'It takes about two minutes.', button: 'Verify at' },
  APPLY: { title: 'Finish your application', text: 'You can stop and come back.', button: 'Apply at' },
  OPEN_PORTAL: { title: 'Your portal is open', text: 'It stays open for an hour.', button: 'Open the portal of' },
  WAIT: { title: 'We are looking at it', text: 'There is nothing to do. This page changes by itself.', button: '' },
  RETRY: { title: 'Please try again', text: 'It did not come to an end the last time.', button: 'Try again at' },
  NONE: { title: 'You are all set', text: 'There is nothing left to do.', button: '' },
  UNKNOWN: { title: 'One moment', text: 'We do not know yet how this went. Please look again later.', button: '' },
}

export const OUTCOMES: Readonly<Record<Session['outcome'], string>> = {
  APPROVED: 'Approved',
  NEEDS_RETRY: 'Try again',
  NOT_APPLICABLE: '',
  PENDING: '',
  REJECTED: 'Rejected',
  UNKNOWN: '',
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
    case 'StatusChanged':
      return [plain(event.to), OUTCOMES[event.outcome].toLowerCase()].filter(Boolean).join(', ')
    case 'AttemptChanged':
      return `An attempt: ${plain(event.attemptTo).toLowerCase()}`
    case 'WebhookReceived':
      return `The provider told us: ${event.providerEvent.replaceAll(/[._]/g, ' ')}`
    default:
      return 'Linked to your account'
  }
}

/** A sentence for the person in front of the screen; the message of the API is for developers. */
export function toSentence({ code }: Trouble): string {
  return SENTENCES[code] ?? 'Something went wrong on our side. Please try again later.'
}

const LATER = 'That took too long. Please try again: nothing is done twice.'
const AWAY = 'The provider cannot be reached just now. Please try again in a minute.'

const SENTENCES: Readonly<Record<string, string>> = {
  DEADLINE_EXCEEDED: LATER,
  IDEMPOTENCY_IN_PROGRESS: 'This is being done already. Please wait a moment.',
  INVALID_INPUT: 'The provider needs something else from you. Please tell our support.',
  OUTCOME_UNKNOWN: LATER,
  OVERLOADED: 'Many people are here at once. Please try again in a minute.',
  PROVIDER_NOT_CONFIGURED: 'This provider is not available here.',
  PROVIDER_RATE_LIMITED: AWAY,
  PROVIDER_REJECTED: 'The provider did not accept this. Please choose another one.',
  PROVIDER_UNAVAILABLE: AWAY,
  RATE_LIMITED: 'That was a little too fast. Please try again in a minute.',
  UNAUTHENTICATED: 'You are not logged in any more. Please load the page again.',
  UNREACHABLE: 'We cannot be reached. Please look at your connection and try again.',
}
