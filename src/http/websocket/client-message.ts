import { type Message, MessageType, validateMessage } from 'graphql-ws'
import { badRequest } from '../errors/http-error.ts'
import { parseJsonBody } from '../request/json-body.ts'

/** What only a server sends. */
const OF_SERVER = new Set<MessageType>([MessageType.ConnectionAck, MessageType.Next, MessageType.Error])

/** Parses a message of a client. The errors are reasons to close the connection, and repeat nothing of the message. */
export function parseClientMessage(text: string, maxDepth: number): Message {
  const value = parseJsonBody(text, maxDepth, 'the message')
  const message = tryValidate(value)
  if (!message || OF_SERVER.has(message.type)) {
    throw badRequest('Expected a message that a client sends in the protocol graphql-transport-ws.')
  }
  return message
}

function tryValidate(value: unknown): Message | undefined {
  try {
    return validateMessage(value)
  } catch {
    return undefined
  }
}
