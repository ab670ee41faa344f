import { spawnSync } from 'node:child_process';
import { EventEmitter } from 'node:events';
import test from 'ava';
import { Interrupted } from '../../../../engine/errors.ts';
import { interruptible, onInterrupt, SignalReceiver } from '../../../../engine/terminal/interrupt.ts';

test('a task without a signal returns its result and leaves no listener', async (t) => {
  const signals = new EventEmitter();
  t.is(await interruptible(signals, async (signal) => (signal.aborted ? 'aborted' : 'done')), 'done');
  t.deepEqual(signals.eventNames(), []);
});

for (const [signal, exitCode] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  test(`${signal} lets the task end, then is an Interrupted with exit code ${exitCode}`, async (t) => {
    const signals = new EventEmitter();
    let hasEnded = false;
    const error = await t.throwsAsync(
      interruptible(signals, async (abort) => {
        signals.emit(signal, signal);
        t.true(abort.aborted);
        t.true(abort.reason instanceof Interrupted);
        // A second signal finds no listener, so it ends the process.
        t.deepEqual(signals.eventNames(), []);
        await Promise.resolve();
        hasEnded = true;
      }),
      { instanceOf: Interrupted, message: `interrupted by ${signal}` },
    );
    t.true(hasEnded);
    t.is(error.exitCode, exitCode);
  });
}

test('a task may end by throwing the reason of its signal', async (t) => {
  const signals = new EventEmitter();
  const task = interruptible(signals, async (signal) => {
    signals.emit('SIGTERM', 'SIGTERM');
    signal.throwIfAborted();
  });
  t.like(await t.throwsAsync(task, { instanceOf: Interrupted }), { exitCode: 143 });
});

test('an error of the task takes precedence over the signal, and no listener is left', async (t) => {
  const signals = new EventEmitter();
  const task = interruptible(signals, async () => {
    signals.emit('SIGINT', 'SIGINT');
    throw new RangeError('of the task');
  });
  await t.throwsAsync(task, { instanceOf: RangeError, message: 'of the task' });
  await t.throwsAsync(
    interruptible(signals, async () => Promise.reject(new Error('again'))),
    { message: 'again' },
  );
  t.deepEqual(signals.eventNames(), []);
});

test('a listener is called once, with the exit code, and a second signal finds no listener', (t) => {
  const signals = new EventEmitter();
  const exitCodes: number[] = [];
  onInterrupt(signals, ({ exitCode }) => exitCodes.push(exitCode));
  t.deepEqual(signals.eventNames(), ['SIGINT', 'SIGTERM']);
  signals.emit('SIGTERM', 'SIGTERM');
  t.deepEqual(exitCodes, [143]);
  t.deepEqual(signals.eventNames(), []);
});

/** A process that records how it is ended. */
function fakeHost() {
  const exits: number[] = [];
  return Object.assign(new EventEmitter(), { exits, exit: (code: number) => void exits.push(code) });
}

test('a signal that is dispatched when the last task has stopped listening ends the process', async (t) => {
  const host = fakeHost();
  const signals = new SignalReceiver(host);
  host.emit('SIGTERM', 'SIGTERM');
  await interruptible(signals, async () => t.deepEqual(host.exits, [143]));
  host.emit('SIGINT', 'SIGINT');
  t.deepEqual(host.exits, [143, 130]);
});

test('the first signal goes to the task, and a second ends the process', async (t) => {
  const host = fakeHost();
  const signals = new SignalReceiver(host);
  const task = interruptible(signals, async () => {
    host.emit('SIGINT', 'SIGINT');
    t.deepEqual(host.exits, []);
    host.emit('SIGINT', 'SIGINT');
    t.deepEqual(host.exits, [130]);
  });
  await t.throwsAsync(task, { instanceOf: Interrupted });
});

test('a signal that has arrived before a task that blocks the event loop is not lost', async (t) => {
  const host = fakeHost();
  const signals = new SignalReceiver(host);
  // Node dispatches it at the next turn of the event loop.
  setImmediate(() => host.emit('SIGINT', 'SIGINT'));
  await signals.whileBlocking(async () => t.deepEqual(host.exits, [130]));
});

/** What follows the reading of a file runs while the event loop polls; its next turn comes without a poll. */
const POLLING = `
const { SignalReceiver } = await import(process.argv[1]);
const { readFile } = await import('node:fs');
const signals = new SignalReceiver();
readFile(process.execPath + '.none', async () => {
  process.kill(process.pid, 'SIGTERM');
  await signals.whileBlocking(async () => {});
  setTimeout(() => console.log('the signal is lost'), 1000);
});`;

test('a signal that arrives while the event loop polls ends the process before the task begins', (t) => {
  const module = import.meta.resolve('../../../../engine/terminal/interrupt.ts');
  for (let i = 0; i < 3; i++) {
    const { status, stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', POLLING, module], {
      encoding: 'utf8',
    });
    t.deepEqual([status, stdout], [143, '']);
  }
});

test('while a task blocks the event loop, no signal is listened to, also after an error of the task', async (t) => {
  const host = fakeHost();
  const signals = new SignalReceiver(host);
  const counts = () => ['SIGINT', 'SIGTERM'].map((signal) => host.listenerCount(signal));
  t.deepEqual(await signals.whileBlocking(async () => counts()), [0, 0]);
  await t.throwsAsync(
    signals.whileBlocking(() => Promise.reject(new Error('no memory'))),
    { message: 'no memory' },
  );
  t.deepEqual(counts(), [1, 1]);
});

test('a listener that is stopped is not called', (t) => {
  const signals = new EventEmitter();
  const stopListening = onInterrupt(signals, () => t.fail());
  stopListening();
  t.deepEqual(signals.eventNames(), []);
  t.false(signals.emit('SIGINT', 'SIGINT'));
});
