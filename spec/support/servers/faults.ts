import { type Fault, type RecordedRequest, sendJson } from './loopback-server.ts';

/** Requests for numbers, which faults concern; the API is found out by others. */
export function asksForTokens({ line }: RecordedRequest): boolean {
  return /^POST \/(completion|generate|v1\/completions|api\/generate)$/.test(line);
}

/** The first `count` requests for tokens are met by a fault, then none. */
export function first(count: number, fault: Fault): Fault {
  let left = count;
  return (request, response) => asksForTokens(request) && left-- > 0 && fault(request, response);
}

/** 429 or 503, with a pause to keep. */
export function busy(status: 429 | 503, retryAfter?: string): Fault {
  return (_, response) => {
    if (retryAfter !== undefined) response.setHeader('retry-after', retryAfter);
    sendJson(response, status, { error: { message: 'busy' } });
    return true;
  };
}

/** A status and JSON. */
export function answers(status: number, body: unknown): Fault {
  return (_, response) => {
    sendJson(response, status, body);
    return true;
  };
}

/** Closes the connection after a part of the headers' promise. */
export const cut: Fault = (_, response) => {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': 1000 });
  response.write('{"choices": [');
  setTimeout(() => response.destroy(), 5);
  return true;
};

/** Never answers. */
export const silent: Fault = () => true;

/** Answers 200 with a text. */
export function sends(text: string, type = 'application/json'): Fault {
  return (_, response) => {
    response.writeHead(200, { 'content-type': type }).end(text);
    return true;
  };
}

/** A page as a proxy shows it. */
export const html: Fault = sends('<!DOCTYPE html><html><body>Welcome to nginx!</body></html>', 'text/html');
