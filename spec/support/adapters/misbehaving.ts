/**
 * An engine that does one thing wrong: `node misbehaving.ts MODE`. Each mode is a way in which adapters go
 * wrong.
 */
import { spawn } from 'node:child_process';
import { closeSync, writeSync } from 'node:fs';
import { encodeArray } from './encode-array.ts';
import { honestAnswer, type Received, send, serve } from './serve.ts';

type Answer = Record<string, unknown>;
type Mode = (request: Received, answer: Answer | undefined) => unknown;

const forwardOnly =
  (wrong: Mode): Mode =>
  (request, answer) =>
    request.type === 'forward' ? wrong(request, answer) : answer && send(answer);
const startOnly =
  (wrong: Mode): Mode =>
  (request, answer) =>
    request.type === 'start' ? wrong(request, answer) : answer && send(answer);
const withValues = (values: Float32Array, shape: number[]): Mode =>
  forwardOnly(({ id }) => send({ type: 'forwarded', id, scores: { values: encodeArray(values, shape) } }));
const held: Answer[] = [];

const MODES: Record<string, Mode> = {
  honest: (_, answer) => answer && send(answer),
  'hang-at-start': startOnly(() => {}),
  'hang-in-the-middle': forwardOnly(() => {}),
  'slow-start': startOnly((_, answer) => setTimeout(() => send(answer), 3000)),
  'half-a-line': forwardOnly(() => {
    writeSync(1, '{"type":"forw');
    process.exit(0);
  }),
  nan: withValues(new Float32Array(8).fill(Number.NaN), [1, 8]),
  'nan-in-json': forwardOnly(({ id }) => writeSync(1, `{"type":"forwarded","id":"${id}","scores":NaN}\n`)),
  'wrong-shape': withValues(new Float32Array(16), [2, 8]),
  'wrong-length': withValues(new Float32Array(7), [1, 8]),
  'wrong-vocabulary': withValues(new Float32Array(7), [1, 7]),
  'wrong-id': forwardOnly((_, answer) => send({ ...answer, id: 'r99' })),
  'id-as-number': forwardOnly((_, answer) => send({ ...answer, id: 3 })),
  'duplicate-id': forwardOnly((_, answer) => {
    send(answer);
    send(answer);
  }),
  'wrong-type': forwardOnly(({ id }) => send({ type: 'generated', id, tokens: [1] })),
  'array-for-object': forwardOnly(({ id }) => send({ type: 'forwarded', id, scores: [[1, 2]] })),
  'array-for-message': forwardOnly((_, answer) => send([answer])),
  chatter: forwardOnly((_, answer) => {
    process.stdout.write(`loading weights ${'.'.repeat(300)}\n`);
    send(answer);
  }),
  'exits-with-3': forwardOnly(() => {
    process.stderr.write('Traceback: out of memory\n');
    process.exitCode = 3;
    process.stdin.destroy();
  }),
  'dies-of-a-signal': forwardOnly(() => process.kill(process.pid, 'SIGSEGV')),
  'huge-line': forwardOnly(() => {
    const part = 'x'.repeat(2 ** 16);
    setInterval(() => process.stdout.write(part));
  }),
  'another-version': startOnly((_, answer) => send({ ...answer, protocol: 2 })),
  'no-capabilities': startOnly(({ id }) => send({ type: 'started', id, protocol: 1, engine: { name: 'x' } })),
  'out-of-order': forwardOnly((_, answer) => {
    held.push(answer!);
    if (held.length === 3) for (const late of held.splice(0).reverse()) send(late);
  }),
  'warnings-on-standard-error': (_, answer) => {
    process.stderr.write('UserWarning: this is fine\n');
    if (answer) send(answer);
  },
  'ignores-stop': (_, answer) => {
    setInterval(() => {}, 1000);
    if (answer) send(answer);
  },
  'leaves-a-child': forwardOnly(() => {
    const { pid } = spawn('sleep', ['100'], { stdio: 'inherit' });
    process.stderr.write(`child ${pid}\n`);
    process.exit(4);
  }),
  'closes-standard-output': forwardOnly(() => {
    closeSync(1);
    setInterval(() => {}, 1000);
  }),
  skips: forwardOnly(({ id }) => send({ type: 'skipped', id, reason: 'no such position' })),
  refuses: forwardOnly(({ id }) => send({ type: 'error', id, message: 'out of memory' })),
};

const [mode, maxConcurrency = '1'] = process.argv.slice(2);
serve(async (request) => {
  const answer = await honestAnswer(request, { maxConcurrency: Number(maxConcurrency) });
  MODES[mode](request, answer as Answer | undefined);
});
