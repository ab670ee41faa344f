import test from 'ava';
import { OutputTail } from '../../../../verify/protocol/output-tail.ts';

const tailOf = (...chunks: (string | Buffer)[]) => {
  const tail = new OutputTail();
  for (const chunk of chunks) tail.add(Buffer.from(chunk));
  return tail.lines;
};

test('the last 20 lines are kept, with the one that has not ended', (t) => {
  const lines = Array.from({ length: 50 }, (_, i) => `line ${i}`);
  t.deepEqual(tailOf(lines.join('\n')), lines.slice(-20));
  t.deepEqual(tailOf(`${lines.join('\n')}\n`), lines.slice(-20));
  t.deepEqual(tailOf('a', 'b\r\nc', '\n\n', 'd'), ['ab', 'c', 'd']);
  t.deepEqual(tailOf(), []);
});

test('a line is cut after 400 characters, however it arrives', (t) => {
  t.deepEqual(tailOf('x'.repeat(1000)), ['x'.repeat(400)]);
  t.deepEqual(tailOf(...Array.from({ length: 1000 }, () => 'x'), '\ny'), ['x'.repeat(400), 'y']);
});

test('a character that is cut between two chunks is read whole', (t) => {
  const bytes = Buffer.from('é\n');
  t.deepEqual(tailOf(bytes.subarray(0, 1), bytes.subarray(1)), ['é']);
});
