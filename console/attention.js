import { alertCard, formatDuration, formatTime, h, nameProvider, pluralize, toLabel, wrapLong } from './elements.js'
import { reasonOf, recordOf, settleButton } from './operations.js'
import { checkButton, credentialsButton, doingOf, FAILURES } from './provider-actions.js'
import { deliveryName, dismissButton, replayButton } from './webhooks.js'

/** @param {AttentionAnswer} answer @returns {Record<string, number>} */
export function countsOf({ creates, deliveries, drift, providers, late }) {
  const lateJobs = (deliveries.late ? 1 : 0) + (late.polls > 0 ? 1 : 0) + (late.recoveries + creates.slow > 0 ? 1 : 0)
  return {
    attention: creates.stuck + deliveries.quarantined + drift.refused + providers.length + lateJobs,
    health: providers.length,
    operations: creates.stuck + creates.searching,
    webhooks: deliveries.quarantined,
    drift: drift.refused,
  }
}

/** @type {import('./main.js').View<AttentionAnswer>} */
export const attention = {
  title: 'Needs attention',
  lead: 'What does not get better by itself, the most urgent first, and what to do about it.',
  load: async (_params, _id, answer) => answer,
  draw: (answer, { reload }) => {
    const cards = [
      ...answer.providers.flatMap(provider => providerCards(provider, reload)),
      stuckCard(answer, reload),
      quarantineCard(answer, reload),
      driftCard(answer),
      ...lateCards(answer),
    ].filter(card => card !== null)
    return [...(cards.length > 0 ? cards : [allWell()]), beingSearched(answer)]
  },
}

/** What is not urgent, but not settled either. @param {AttentionAnswer} answer */
const beingSearched = ({ creates: { searching } }) =>
  searching > 0 &&
  h(
    'p',
    { class: 'note' },
    `The server is looking for the result of ${pluralize(searching, 'request')}: `,
    h('a', { href: '#/operations' }, 'Unconfirmed'),
    '.',
  )

const allWell = () =>
  h(
    'section',
    { class: 'card well' },
    h('h2', {}, 'Nothing needs attention'),
    h(
      'ul',
      {},
      ...[
        'No request waits for a person: each is confirmed, or the server is looking for its result.',
        'All webhook deliveries are applied or in time.',
        'All provider responses of the last 24 hours could be used.',
        'All providers answer and accept the credentials, as far as they were called.',
        'All background work is on time.',
      ].map(text => h('li', {}, text)),
    ),
  )

/** @param {AttentionProvider} provider @param {() => void} reload */
function providerCards({ provider, health, credentials }, reload) {
  const name = toLabel(provider)
  const link = h('a', { href: '#/health' }, 'Response times and failures')
  const actions = [checkButton(provider, reload), link]
  const cards = []
  if (health?.authFailedSince)
    cards.push(
      alertCard({
        tone: 'bad',
        title: `${name} refuses our credentials`,
        facts: [['Since', formatTime(health.authFailedSince)], ...testFact(health.lastTest)],
        about: [
          h(
            'p',
            {},
            `No call to ${name} succeeds, because the credentials are not valid any more, or ${name} blocks the account. Stored sessions can still be read; new ones cannot be made.`,
          ),
          h('p', {}, ...credentialsAdvice(name, credentials.from, provider)),
        ],
        actions: [
          ...(credentials.from === 'STORE' ? [credentialsButton(provider, credentials.secrets, reload)] : []),
          ...actions,
        ],
      }),
    )
  if (!health) return cards
  const paused = health.openCircuits.map(({ kind }) => kind)
  const failing = health.failing.filter(({ kind }) => !paused.includes(kind))
  if (paused.length > 0) cards.push(circuitCard(name, health, actions))
  if (failing.length > 0) cards.push(failingCard(name, health, failing, actions))
  return cards
}

/** @param {string} name @param {HealthNow} health @param {Node[]} actions */
function circuitCard(name, { openCircuits: circuits, lastTest }, actions) {
  const open = circuits.filter(({ state }) => state === 'OPEN')
  const trying = circuits.filter(({ state }) => state === 'HALF_OPEN')
  const next = open.map(({ nextTryAt }) => nextTryAt).sort()[0]
  const since = circuits.map(circuit => circuit.since).sort()[0]
  const why = [
    ...new Set(
      circuits.map(({ failure }) => (failure ? FAILURES[failure]?.why : 'another server process found it failing')),
    ),
  ]
  return alertCard({
    tone: open.length > 0 ? 'bad' : 'warning',
    title: open.length > 0 ? `Calls to ${name} are paused` : `${name} is being tried again`,
    facts: [
      ['Since', formatTime(since)],
      ['Why', why.join(', ')],
      ...(open.length > 0 ? [fact('Paused', doingOf(open))] : []),
      ...(trying.length > 0 ? [fact('Trying again', doingOf(trying))] : []),
      ...(next ? [fact('Next try', nextTry(next))] : []),
      ...testFact(lastTest),
    ],
    about: [
      ...open.map(({ kind }) => h('p', {}, PAUSED[kind] ?? '')),
      ...trying.map(({ kind }) => h('p', {}, TRYING[kind] ?? '')),
      h('p', {}, h('b', {}, 'What to do: '), circuitAdvice(name, open, lastTest)),
    ],
    actions,
  })
}

/** @param {string} name @param {import('./elements.js').Child} value @returns {[string, import('./elements.js').Child]} */
const fact = (name, value) => [name, value]

/** What each kind of call does while it is paused. @type {Record<string, string>} */
const PAUSED = {
  READ: 'Reading is paused: clients get the stored data at once, marked as old. From time to time one read is sent in the background. Reading continues as soon as one succeeds.',
  CREATE:
    'Making new records is paused: clients get an error at once, nothing is sent, and they may send the same request again. The server first reads something harmless; once it gets an answer, it sends the next request for a new record as a test.',
  WRITE:
    'Changing records, such as cancelling a session, is paused: clients get an error at once, and nothing is sent.',
  SIGN_IN:
    'Signing in is paused. Without a valid token no other call is sent: clients get the stored data, marked as old, and an error for anything new. From time to time one sign-in is sent in the background. All calls continue as soon as one succeeds.',
}

/** @type {Record<string, string>} */
const TRYING = {
  READ: 'A read is being sent as a test. Reading continues if it succeeds.',
  CREATE:
    'The next request for a new record is sent as a test. If it succeeds, making new records continues for all; if it fails, it is paused again. A test of the connection only reads, so it cannot show this.',
  WRITE: 'The next change of a record is sent as a test. If it succeeds, changes continue for all.',
  SIGN_IN: 'A sign-in is being sent as a test. All calls continue if it succeeds.',
}

/** @param {string} name @param {OpenCircuit[]} open @param {HealthNow['lastTest']} lastTest */
function circuitAdvice(name, open, lastTest) {
  const look = `look at ${name}’s status page. When it is back, test the connection`
  if (open.some(({ kind }) => kind === 'CREATE' || kind === 'WRITE'))
    return `${look}: if the test passes, reading continues, and the next request to make or change a record is sent.`
  if (open.length > 0) return `${look}: if the test passes, calls continue at once.`
  const tested = lastTest?.ok ? 'nothing now, because the test of the connection passed. Wait' : 'wait'
  return `${tested} for the next request of a client, or send one yourself. If it fails again, contact ${name}.`
}

/** @param {string} name @param {HealthNow} health @param {FailingCalls[]} failing @param {Node[]} actions */
function failingCard(name, { lastTest }, failing, actions) {
  const since = failing.map(one => one.since).sort()[0]
  const counts = failing.map(({ kind, calls, failed }) => `${failed} of ${calls} (${doingOf([{ kind }])})`)
  const why = [...new Set(failing.map(({ failure }) => FAILURES[failure]?.why ?? toLabel(failure)))]
  return alertCard({
    tone: 'bad',
    title: `Most calls to ${name} fail`,
    facts: [
      ['Since', formatTime(since)],
      ['Why', why.join(', ')],
      ['Failed lately', counts.join(', ')],
      ...testFact(lastTest),
    ],
    about: [
      h(
        'p',
        {},
        'There are too few calls to pause them, so each client waits for its own. ',
        ...failing.map(({ kind }) => FALLBACKS[kind] ?? ''),
      ),
      h(
        'p',
        {},
        h('b', {}, 'What to do: '),
        `look at ${name}’s status page. When it is back, test the connection. This card goes away once most calls succeed, or 15 minutes after the last failed one.`,
      ),
    ],
    actions,
  })
}

/** What clients get meanwhile. @type {Record<string, string>} */
const FALLBACKS = {
  READ: 'Reads get the stored data, marked as old. ',
  CREATE: 'Requests for new records fail, or have no known result. ',
  WRITE: 'Changes of records, such as cancelling a session, fail. ',
  SIGN_IN:
    'Without a sign-in no other call is sent: reads get the stored data, marked as old, and requests for new records fail. ',
}

/** A try is made by a call, not by the clock. @param {string} at */
const nextTry = at =>
  Date.parse(at) > Date.now() ? h('span', {}, 'with the first call after ', formatTime(at)) : 'with the next call'

/** @param {HealthNow['lastTest']} lastTest @returns {[string, Node][]} */
const testFact = lastTest =>
  lastTest ? [['Last test', h('span', {}, lastTest.ok ? 'passed, ' : 'failed, ', formatTime(lastTest.at))]] : []

/** @param {string} name @param {string | null} from @param {string} provider @returns {(Node | string)[]} */
function credentialsAdvice(name, from, provider) {
  const what = h('b', {}, 'What to do: ')
  const renew = `test the connection to see what ${name} answers. Get valid credentials from ${name}`
  if (from === 'STORE') return [what, `${renew} and replace them here.`]
  if (from === 'SANDBOX') return [what, 'this is a sandbox of this server: check its fault rules.']
  return [
    what,
    `${renew}, set them in the server’s environment (`,
    h('code', {}, `${provider}_…`),
    ') and restart the server.',
  ]
}

/** @param {AttentionAnswer} answer @param {() => void} reload */
function stuckCard({ creates: { stuck, rows } }, reload) {
  if (stuck === 0) return null
  return alertCard({
    tone: 'bad',
    title: `${pluralize(stuck, 'request')} without a known result`,
    about: [
      h(
        'p',
        {},
        'The provider’s answer got lost, and this server cannot find out by itself whether the record was created. The client has no result until you settle the request.',
      ),
      h(
        'p',
        {},
        h('b', {}, 'What to do: '),
        'press Settle, which shows what to look for at the provider, and enter what you found there.',
      ),
    ],
    rows: rows.map(row => ({
      title: `${recordOf(row)} at ${toLabel(row.provider)}`,
      facts: [formatTime(row.createdAt), reasonOf(row), h('span', {}, 'Key ', h('code', {}, row.idempotencyKey))],
      actions: [settleButton(row, reload)],
    })),
    more: stuck > rows.length ? h('a', { href: '#/operations' }, `All ${stuck}`) : null,
  })
}

/** @param {AttentionAnswer} answer @param {() => void} reload */
function quarantineCard({ deliveries: { quarantined, rows } }, reload) {
  if (quarantined === 0) return null
  return alertCard({
    tone: 'bad',
    title: `${pluralize(quarantined, 'webhook delivery', 'webhook deliveries')} could not be applied`,
    about: [
      h(
        'p',
        {},
        'Nothing is lost: the content is stored. Sessions may be out of date until the next read from their provider.',
      ),
      h('p', {}, h('b', {}, 'What to do: '), 'fix the reason and apply them again, or dismiss what does not matter.'),
    ],
    rows: rows.map(row => ({
      title: deliveryName(row),
      facts: [formatTime(row.receivedAt), nameProvider(row.error?.message ?? 'No reason is recorded.', row.provider)],
      actions: [replayButton(row, reload), dismissButton(row, reload)],
    })),
    more: quarantined > rows.length ? h('a', { href: '#/webhooks?state=QUARANTINED' }, `All ${quarantined}`) : null,
  })
}

/** @param {AttentionAnswer} answer */
function driftCard({ drift: { refused, rows } }) {
  if (refused === 0) return null
  return alertCard({
    tone: 'warning',
    title: `${pluralize(refused, 'kind of provider response', 'kinds of provider responses')} could not be used`,
    about: [
      h('p', {}, 'The provider answered something else than its documentation says, within the last 24 hours.'),
      h(
        'p',
        {},
        h('b', {}, 'What to do: '),
        'ask the provider what changed, and look for a newer version of this server.',
      ),
    ],
    rows: rows.map(row => ({
      title: `${toLabel(row.provider)}: ${row.operation}`,
      facts: [
        formatTime(row.lastAt),
        row.path ? wrapLong(row.path) : 'the whole response',
        `${row.count.toLocaleString()} times`,
      ],
      actions: [],
    })),
    actions: [h('a', { href: '#/drift' }, 'All changes of provider responses')],
  })
}

/** @param {AttentionAnswer} answer */
function lateCards({ deliveries, creates, late }) {
  const after = formatDuration(late.afterMs)
  const cards = []
  if (deliveries.late)
    cards.push(
      lateCard(
        `${pluralize(deliveries.waiting, 'webhook delivery waits', 'webhook deliveries wait')} for ${formatDuration(deliveries.waitingMs)}`,
        'They are applied within seconds as a rule. Their provider may not answer, or the server is too busy.',
        'look at the reason of each, and at the state of its provider.',
        h('a', { href: '#/webhooks?state=STORED' }, 'Waiting deliveries, with the reason'),
      ),
    )
  if (late.recoveries + creates.slow > 0)
    cards.push(
      lateCard(
        `${pluralize(Math.max(late.recoveries, creates.slow), 'unconfirmed request')} not resolved in time`,
        'The server looks for the record at the provider by itself, but has no result yet.',
        'check that the provider answers. If you know whether the record exists, settle the request.',
        h('a', { href: '#/operations' }, 'Unconfirmed requests'),
      ),
    )
  if (late.polls > 0)
    cards.push(
      lateCard(
        `${pluralize(late.polls, 'open session')} checked late`,
        `The server asks the provider about them more than ${after} later than planned, so their status may be out of date.`,
        'check that the provider answers and that the server’s background work runs. If both are so, raise POLLS_PER_MINUTE, if the provider allows it.',
        h('a', { href: '#/health' }, 'Providers'),
      ),
    )
  return cards
}

/** @param {string} title @param {string} text @param {string} advice @param {HTMLElement} link */
const lateCard = (title, text, advice, link) =>
  alertCard({
    tone: 'warning',
    title,
    about: [h('p', {}, text), h('p', {}, h('b', {}, 'What to do: '), advice)],
    actions: [link],
  })
