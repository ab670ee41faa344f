import { PlumblineError } from '../errors.ts';
import { OPTION_FIELDS } from './option-fields.ts';
import { ThreadError } from './thread-error.ts';

/** What an {@link ApiError} says beside its message. */
export interface ApiErrorOptions extends ErrorOptions {
  /** The field at fault as OpenAI writes it: `messages[0].content`. */
  readonly param?: string;
  /** Seconds after which a client may ask again. */
  readonly retryAfter?: number;
}

/** The types of errors in OpenAI's API, by HTTP status, unless they are those of all below or above 500. */
const TYPES: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  404: 'not_found_error',
  408: 'timeout_error',
  429: 'rate_limit_error',
  503: 'service_unavailable_error',
};

/** Errors that a request causes. Those of the engine and of the text arrive from their threads. */
const CAUSED_BY_REQUEST = new Set(['PromptError', 'OptionError', 'TokenizerError', 'ChatTemplateError']);

/** Further errors whose messages a client may see, with the status of each. */
const STATUSES: Readonly<Record<string, number>> = {
  NonFiniteError: 500,
  GroupError: 503,
  KernelError: 503,
  EngineClosedError: 503,
  ServerError: 503,
};

/** A request that is answered with an error status. */
export class ApiError extends PlumblineError {
  readonly status: number;
  readonly param: string | undefined;
  readonly retryAfter: number | undefined;

  /** @param status of HTTP, 400 to 599. */
  constructor(status: number, message: string, { param, retryAfter, ...options }: ApiErrorOptions = {}) {
    super(message, options);
    this.status = status;
    this.param = param;
    this.retryAfter = retryAfter;
  }

  /** The body of the answer, in OpenAI's form. */
  toBody() {
    const { message, param = null, status } = this;
    const type = TYPES[status] ?? (status < 500 ? 'invalid_request_error' : 'server_error');
    return { error: { message, type, param, code: status } };
  }
}

/** The answer to a request that fails: 400 for errors of the engine that the request itself causes. */
export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  const { kind, option } = causeOf(error);
  if (CAUSED_BY_REQUEST.has(kind)) {
    const { message } = error as Error;
    if (option === undefined) return new ApiError(400, message, { cause: error });
    // The name is a part of what is at fault: `stop[1]`, `a key of logitBias`.
    const named = option.replace(/\w+/g, (word) => OPTION_FIELDS[word] ?? word);
    const param = named.replace(/^a key of /, '');
    return new ApiError(
      400,
      message.replace(option, () => named),
      { param, cause: error },
    );
  }
  const status = STATUSES[kind];
  if (status !== undefined) return new ApiError(status, (error as Error).message, { cause: error });
  return new ApiError(500, 'the server failed to answer; its log says more', { cause: error });
}

function causeOf(error: unknown): { kind: string; option?: string | undefined } {
  if (error instanceof ThreadError) return error;
  if (!(error instanceof PlumblineError)) return { kind: '' };
  return { kind: error.name, ...('option' in error && { option: String(error.option) }) };
}
