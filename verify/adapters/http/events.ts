import { SubjectError } from '../../errors.ts';
import { excerpt, refuse } from './nonsense.ts';

/** What OpenAI's servers send in place of a last event. */
const DONE = '[DONE]';

/**
 * The events of an answer that came in parts: server-sent events, whose data is one JSON each, or a JSON in
 * each line.
 *
 * @param asked what was asked; messages begin with it.
 * @throws SubjectError if a part is not JSON or is an error, or without any part.
 */
export function readEvents(asked: string, text: string): unknown[] {
  const events = text
    .split(/\r\n|\n|\r/)
    // Other fields of server-sent events (event, id, retry) and comments say nothing of the answer.
    .filter((line) => line.trim() !== '' && !/^(event|id|retry)?:/.test(line))
    .map((line) => line.replace(/^data: ?/, ''))
    .filter((data) => data !== DONE)
    .map((data) => parse(asked, data));
  if (events.length === 0) refuse(asked, 'no events', 'at least one');
  return events;
}

function parse(asked: string, data: string): unknown {
  let event: unknown;
  try {
    event = JSON.parse(data);
  } catch (cause) {
    throw new SubjectError(
      `${asked}: an event of the answer is not JSON: ${excerpt(data)}; expected a JSON object`,
      { cause },
    );
  }
  const error = typeof event === 'object' && event !== null && 'error' in event ? event.error : undefined;
  if (error)
    throw new SubjectError(`${asked}: an event of the answer is an error: ${excerpt(data)}; expected a part`);
  return event;
}
