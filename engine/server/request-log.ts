import { inspect } from 'node:util';
import type { ApiError } from './api-error.ts';

/** How requests are logged. */
export type LogFormat = 'text' | 'json' | 'none';
export const LOG_FORMATS: readonly LogFormat[] = ['text', 'json', 'none'];

/** What is logged of a request. Neither texts nor keys are. */
export interface LoggedRequest {
  /** When the answer ended. */
  readonly time: Date;
  readonly method: string;
  /** Without the query, which may hold what a client keeps secret. */
  readonly path: string;
  /** The status of the answer; undefined if the client left before there was one. */
  readonly status: number | undefined;
  /** From the head of the request to the end of the answer. */
  readonly ms: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** Why it failed. */
  readonly error?: ApiError | undefined;
}

/** Characters of a path or an error's message in a line. */
const MAX_CHARACTERS = 300;

/** @returns a line, with its line break; '' if nothing is logged. */
export function formatRequest(request: LoggedRequest, format: LogFormat): string {
  if (format === 'none') return '';
  const path = request.path.slice(0, MAX_CHARACTERS);
  const error = request.error && describe(request.error);
  const { time, method, status, promptTokens, completionTokens } = request;
  const ms = Math.round(request.ms);
  if (format === 'json') {
    return `${JSON.stringify({ time, method, path, status, ms, promptTokens, completionTokens, error })}\n`;
  }
  const tokens = promptTokens + completionTokens > 0 ? `, ${promptTokens} + ${completionTokens} tokens` : '';
  const why = error === undefined ? '' : `: ${printable(error)}`;
  return `${time.toISOString()} ${method} ${printable(path)} ${status ?? 'left'} ${ms} ms${tokens}${why}\n`;
}

/** The cause of a 500 is a bug, and is not sent to the client: the log has all of it. */
function describe({ status, message, cause }: ApiError): string {
  return status === 500 ? inspect(cause) : message.slice(0, MAX_CHARACTERS);
}

/** A line stays one line, and a terminal is sent no control characters. */
function printable(text: string): string {
  return text.replace(
    /\p{Cc}/gu,
    (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}
