import { CLOSE_ERRORS, type StreamWriter } from './stream-response.ts'

const COMPLETE = 'event: complete\ndata:\n\n'

/**
 * Server-sent events, in the distinct connections mode of GraphQL over SSE. `id` is the cursor of an event, which an
 * EventSource sends as Last-Event-ID when it reconnects.
 */
export const EVENT_STREAM: StreamWriter = {
  contentType: 'text/event-stream; charset=utf-8',
  opening: '',
  heartbeat: ':\n\n',
  next: (result, cursor) => {
    // An incremental result has its cursor on the last part only.
    const id = cursor === undefined || result.hasNext ? '' : `id: ${cursor}\n`
    return `event: next\n${id}data: ${JSON.stringify(result)}\n\n`
  },
  end: reason => {
    if (reason === undefined) return COMPLETE
    const error = `event: next\ndata: ${JSON.stringify({ errors: [CLOSE_ERRORS[reason]] })}\n\n`
    // On shutdown there is no `complete` event, so that the client reconnects and resumes after its last event id.
    return reason === 'CLOSING' ? `retry: 250\n${error}` : error + COMPLETE
  },
}
