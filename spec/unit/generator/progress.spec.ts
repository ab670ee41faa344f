import { PassThrough } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { createProgress, makingLine, progressLine } from '../../../generator/progress.ts';

/** Half-way through the second of four cases. */
const HALF = { model: 'dense', case: 'ids-one', done: 1, total: 4, tokens: 8, maxNewTokens: 15 };

test('a line says model, case, how many cases and tokens are done, and about how long the model takes', (t) => {
  // 1.5 of 4 cases took 3 s.
  t.is(progressLine(HALF, 3000), 'dense · ids-one (2/4) · token 8/15 · about 5 s left for dense');
});

test('time left is rounded up', (t) => {
  t.regex(progressLine(HALF, 3001), /about 6 s left/);
});

test('before anything is done, nobody knows how long it takes', (t) => {
  const line = progressLine({ ...HALF, done: 0, tokens: 0 }, 3000);
  t.is(line, 'dense · ids-one (1/4) · token 0/15');
});

test('while a fixture is made, a line says how much of it is written', (t) => {
  t.is(makingLine('large', 0, 1.19e9), 'making large · 0 % of 1.19 GB');
  t.is(makingLine('large', 0.999e9, 1e9), 'making large · 99 % of 1.00 GB');
  t.is(makingLine('large', 1e9, 1e9), 'making large · 100 % of 1.00 GB');
});

/** A stream that remembers what was written to it. */
function stream(isTTY: boolean, columns: number | undefined = 200) {
  const pass = new PassThrough();
  let text = '';
  pass.on('data', (chunk) => {
    text += chunk;
  });
  const terminal = Object.assign(pass, {
    isTTY,
    columns,
    cursorTo: () => true,
    clearLine: () => true,
    moveCursor: () => true,
  });
  return { stream: terminal as unknown as NodeJS.WriteStream, text: () => text };
}

/** Waits until a spinner, which draws from time to time, has drawn a text. */
async function drawn(text: () => string, wanted: string): Promise<boolean> {
  for (let waited = 0; waited < 5000 && !text().includes(wanted); waited += 20) await sleep(20);
  return text().includes(wanted);
}

test.serial('a terminal is shown the line, with the time since the model’s first case', async (t) => {
  const before = process.env;
  const { CI: _, ...interactive } = before;
  process.env = { ...interactive, TERM: 'xterm' };
  let now = 100_000;
  const { stream: terminal, text } = stream(true);
  const progress = createProgress(terminal, () => now);
  t.teardown(() => {
    progress.stop();
    process.env = before;
  });
  t.true(await drawn(text, 'loading'));
  progress.note('fetching config.json 50 %');
  t.true(await drawn(text, 'fetching config.json 50 %'));
  progress.making('large', 5e8, 1e9);
  t.true(await drawn(text, 'making large · 50 % of 1.00 GB'));
  progress.report({ ...HALF, done: 0, tokens: 0 });
  now += 3000;
  progress.report(HALF);
  t.true(await drawn(text, 'dense · ids-one (2/4) · token 8/15 · about 5 s left for dense'), text());
  now += 60_000;
  progress.report({ ...HALF, model: 'moe', done: 0, tokens: 0 });
  t.true(await drawn(text, 'moe · ids-one (1/4) · token 0/15'), text());
  now += 1000;
  progress.report({ ...HALF, model: 'moe' });
  t.true(await drawn(text, 'moe · ids-one (2/4) · token 8/15 · about 2 s left for moe'), text());
});

test.serial('the terminal’s input is left alone, or Ctrl-C would be no signal any more', (t) => {
  const { stdin } = process;
  const modes: boolean[] = [];
  const asTerminal = { isTTY: true, setRawMode: (mode: boolean) => void modes.push(mode) };
  const before = { isTTY: stdin.isTTY, setRawMode: stdin.setRawMode };
  Object.assign(stdin, asTerminal);
  t.teardown(() => void Object.assign(stdin, before));
  createProgress(stream(true).stream).stop();
  t.deepEqual(modes, []);
  t.is(stdin.listenerCount('data'), 0);
});

for (const [what, isTTY, columns] of [
  ['there is no terminal', false, undefined],
  ['the terminal tells no width', true, 0],
] as const) {
  test(`where ${what} nothing is written`, (t) => {
    const { stream: output, text } = stream(isTTY, columns);
    const progress = createProgress(output);
    progress.report(HALF);
    progress.stop();
    t.is(text(), '');
  });
}
