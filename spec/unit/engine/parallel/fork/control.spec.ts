import { PassThrough } from 'node:stream';
import { setImmediate as later } from 'node:timers/promises';
import test from 'ava';
import { onLine, onMessage, sendMessage, type ToRank } from '../../../../../engine/parallel/fork/control.ts';

test('messages arrive one by one, however the stream is cut', async (t) => {
  const stream = new PassThrough();
  const received: ToRank[] = [];
  onMessage<ToRank>(stream, (message) => received.push(message));
  sendMessage(stream, { type: 'start' });
  const failed: ToRank = { type: 'failed', failure: { message: 'Größe\nund mehr', ranks: [1] } };
  const bytes = Buffer.from(`${JSON.stringify(failed)}\n`);
  const inUmlaut = bytes.indexOf(0xc3) + 1;
  stream.write(bytes.subarray(0, inUmlaut));
  await later();
  t.is(received.length, 1);
  stream.write(bytes.subarray(inUmlaut));
  await later();
  t.deepEqual(received, [{ type: 'start' }, failed]);
});

test('an incomplete last line is no message', async (t) => {
  const stream = new PassThrough();
  const lines: string[] = [];
  onLine(stream, (line) => lines.push(line));
  stream.end('whole\n\nha');
  await later();
  t.deepEqual(lines, ['whole', '']);
});

test('a message to a closed stream is dropped', (t) => {
  const stream = new PassThrough();
  stream.destroy();
  t.notThrows(() => sendMessage(stream, { type: 'heartbeat' }));
});
