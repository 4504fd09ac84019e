import { CLOSE_ERRORS, type StreamWriter } from './stream-response.ts'

const DELIMITER = '\r\n--graphql'

/** A multipart response as Apollo's clients request it: https://www.apollographql.com/docs/graphos/routing/operations/subscriptions/multipart-protocol */
export const MULTIPART_STREAM: StreamWriter = {
  contentType: 'multipart/mixed;boundary="graphql";subscriptionSpec="1.0"',
  opening: DELIMITER,
  heartbeat: toPart({}),
  next: payload => toPart({ payload }),
  end: reason => `${reason === undefined ? '' : toPart({ payload: null, errors: [CLOSE_ERRORS[reason]] })}--\r\n`,
}

/** Clients read a part when the delimiter after it arrives. */
function toPart(content: object): string {
  return `\r\ncontent-type: application/json\r\n\r\n${JSON.stringify(content)}${DELIMITER}`
}
