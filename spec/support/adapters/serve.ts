import { createInterface } from 'node:readline';
import { FAKE_SIZES, fakeRow, fakeSubject } from '../verify/fake-subject.ts';
import { encodeArray } from './encode-array.ts';

/** A request, of which an engine in a test reads what it needs. */
export interface Received {
  readonly type: string;
  readonly id: string;
  readonly ids: number[];
  readonly positions: number[];
  readonly maxNewTokens: number;
}

export const send = (message: unknown): void => {
  process.stdout.write(`${JSON.stringify(message)}\n`);
};

/** What an honest engine answers: the scores of the fake subject. */
export async function honestAnswer(
  request: Received,
  capabilities: object = {},
): Promise<object | undefined> {
  const { type, id, ids, positions, maxNewTokens } = request;
  if (type === 'start') {
    const engine = {
      name: 'fake',
      version: '1.2',
      language: 'TypeScript',
      issues: 'https://example.org/issues',
    };
    return { type: 'started', id, protocol: 1, engine, capabilities: { scores: 'all', ...capabilities } };
  }
  if (type === 'load') return { type: 'loaded', id };
  if (type === 'forward') {
    const rows = positions.map((position) => [...fakeRow(ids.slice(0, position + 1)).values]);
    const shape = [positions.length, FAKE_SIZES.vocabSize];
    return { type: 'forwarded', id, scores: { values: encodeArray(Float32Array.from(rows.flat()), shape) } };
  }
  if (type === 'generate') {
    const { tokens } = await fakeSubject().generate({ ids, maxNewTokens });
    return { type: 'generated', id, tokens };
  }
  if (type === 'tokenize' || type === 'tokenizeChat') return { type: 'tokenized', id, ids: [1, 2, 3] };
  return undefined;
}

/** Handles requests, one line each, until standard input ends. */
export function serve(onRequest: (request: Received) => void): void {
  createInterface({ input: process.stdin }).on('line', (line) => onRequest(JSON.parse(line)));
}
