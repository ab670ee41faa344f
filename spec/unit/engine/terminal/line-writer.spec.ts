import type { writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { LineWriter } from '../../../../engine/terminal/line-writer.ts';

/** A pipe with room for a number of bytes; then it refuses, as one that is set not to block. */
function pipe(room: number, refusal = 'EAGAIN') {
  const state = { room, text: '', refusals: 0 };
  const write = (_fd: number, bytes: Buffer): number => {
    const taken = Math.min(state.room, bytes.length);
    if (taken === 0) {
      state.refusals++;
      throw Object.assign(new Error(refusal), { code: refusal });
    }
    state.room -= taken;
    state.text += bytes.toString('latin1', 0, taken);
    return taken;
  };
  return { state, writer: new LineWriter(2, write as typeof writeSync) };
}

test('what a full pipe does not take is written when there is room, in order and once', async (t) => {
  const { state, writer } = pipe(7);
  writer.write('one\n');
  writer.write('two\n');
  writer.write('three\n');
  t.is(state.text, 'one\ntwo');
  state.room = 3;
  while (state.text.length < 10) await sleep(1);
  t.is(state.text, 'one\ntwo\nth');
  state.room = 100;
  while (state.text.length < 14) await sleep(1);
  writer.write('four\n');
  t.is(state.text, 'one\ntwo\nthree\nfour\n');
});

test('what waits is written before the end, as far as the reader takes it in time', (t) => {
  const { state, writer } = pipe(2);
  writer.write('line\n');
  const begin = performance.now();
  writer.drain(30);
  t.true(performance.now() - begin >= 30, 'it waits for the reader');
  t.is(state.text, 'li');
  state.room = 100;
  writer.drain(60_000);
  t.is(state.text, 'line\n');
});

test('after a mebibyte that waits, lines are left out and counted', (t) => {
  const { state, writer } = pipe(0);
  const line = `${'x'.repeat(2 ** 19)}\n`;
  for (let i = 0; i < 5; i++) writer.write(line);
  state.room = Number.MAX_SAFE_INTEGER;
  writer.drain(0);
  t.is(state.text, `${line.repeat(2)}3 lines were left out, since nothing read them\n`);
  writer.write('more\n');
  t.true(state.text.endsWith('them\nmore\n'));
});

test('nothing waits for a reader that has closed the pipe', (t) => {
  const { state, writer } = pipe(0, 'EPIPE');
  writer.write('line\n');
  const { refusals } = state;
  writer.drain(60_000);
  t.is(state.refusals, refusals);
});
