import test from 'ava';
import { createProgress, formatBytes, share } from '../../../../engine/terminal/progress.ts';
import { FakeOutput, FakeTerminal } from '../cli/support.ts';

test('a terminal shows the line until it is hidden, and again afterwards', async (t) => {
  const terminal = new FakeTerminal();
  const progress = await createProgress(terminal, () => 0);
  progress.show('first line');
  t.regex(terminal.text, /first line/);
  progress.hide();
  t.regex(terminal.text, /first line.*\r.*$/s);
  const hidden = terminal.text.length;
  progress.hide();
  t.is(terminal.text.length, hidden);
  progress.show('second line');
  progress.hide();
  t.regex(terminal.text.slice(hidden), /second line/);
  t.false(terminal.text.includes('\u001b[?25l'), 'the cursor is never hidden: who would show it again?');
});

test('a line is drawn at once, without waiting for a timer; a count at most every 80 ms', async (t) => {
  const terminal = new FakeTerminal();
  let time = 0;
  const progress = await createProgress(terminal, () => time);
  for (const [at, kind] of [
    [0, 'count'],
    [79, 'count'],
    [80, 'count'],
    [100, 'count'],
    [101, 'show'],
    [102, 'show'],
    [170, 'count'],
    [182, 'count'],
  ] as const) {
    time = at;
    progress[kind](`${kind} at ${at}`);
  }
  progress.hide();
  const drawn = ['count at 0', 'count at 80', 'show at 101', 'show at 102', 'count at 182'];
  t.deepEqual(terminal.text.match(/\w+ at \d+/g), drawn);
});

test.serial('standard input stays out of raw mode, in which Ctrl-C is no signal', async (t) => {
  const { stdin } = process;
  const modes: boolean[] = [];
  const asTerminal = { isTTY: true, setRawMode: (mode: boolean) => void modes.push(mode) };
  const before = { isTTY: stdin.isTTY, setRawMode: stdin.setRawMode };
  Object.assign(stdin, asTerminal);
  t.teardown(() => void Object.assign(stdin, before));
  const progress = await createProgress(new FakeTerminal(), () => 0);
  progress.show('a line');
  progress.hide();
  t.deepEqual(modes, []);
  t.is(stdin.listenerCount('data'), 0);
});

test('nothing is written to a file, or to a terminal of unknown width', async (t) => {
  const unsized = new FakeTerminal();
  unsized.columns = 0;
  for (const output of [new FakeOutput(), unsized]) {
    const progress = await createProgress(output);
    progress.show('a line');
    progress.count('another');
    progress.hide();
    t.is(output.text, '');
  }
});

test('a share has its percentage and the whole', (t) => {
  t.is(share('reading', 1_234_567, 2_469_134_000), 'reading 0 % of 2.5 GB');
  t.is(share('reading', 999, 1000), 'reading 99 % of 1.0 kB');
  t.is(share('reading', 0, 0), 'reading 100 % of 0 bytes');
});

test('bytes are rounded to a unit that is easily read', (t) => {
  const of = {
    0: '0 bytes',
    999: '999 bytes',
    1000: '1.0 kB',
    1250000: '1.3 MB',
    1e9: '1.0 GB',
    2e15: '2000.0 TB',
  };
  for (const [bytes, text] of Object.entries(of)) t.is(formatBytes(Number(bytes)), text);
});
