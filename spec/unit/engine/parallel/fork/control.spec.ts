import { PassThrough } from 'node:stream';
import { setImmediate as later } from 'node:timers/promises';
import test from 'ava';
import { onLine, onMessage, sendMessage, type ToRank } from '../../../../../engine/parallel/fork/control.ts';

test('messages arrive one by one, however they are cut', async (t) => {
  const stream = new PassThrough();
  const heard: ToRank[] = [];
  onMessage<ToRank>(stream, (message) => heard.push(message));
  sendMessage(stream, { type: 'start' });
  const verdict: ToRank = { type: 'verdict', verdict: { message: 'Größe\nund mehr', ranks: [1] } };
  const bytes = Buffer.from(`${JSON.stringify(verdict)}\n`);
  const inUmlaut = bytes.indexOf(0xc3) + 1;
  stream.write(bytes.subarray(0, inUmlaut));
  await later();
  t.is(heard.length, 1);
  stream.write(bytes.subarray(inUmlaut));
  await later();
  t.deepEqual(heard, [{ type: 'start' }, verdict]);
});

test('what is cut off at the end is no message', async (t) => {
  const stream = new PassThrough();
  const lines: string[] = [];
  onLine(stream, (line) => lines.push(line));
  stream.end('whole\n\nha');
  await later();
  t.deepEqual(lines, ['whole', '']);
});

test('a message to one that has gone is lost', (t) => {
  const stream = new PassThrough();
  stream.destroy();
  t.notThrows(() => sendMessage(stream, { type: 'pulse' }));
});
