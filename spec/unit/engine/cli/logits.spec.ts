import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import test, { type ExecutionContext } from 'ava';
import { SafetensorsFile } from '../../../../engine/checkpoint/safetensors.ts';
import { logits } from '../../../../engine/cli/logits.ts';
import { FileError, Interrupted, PromptError } from '../../../../engine/errors.ts';
import { closing, temporaryFolder, trackResources } from '../../../support/processes/cleanup.ts';
import { modelDir } from '../text/tiny.ts';
import { everyCountIsDrawn, FakeTerminal, fakeIo, jsonFile, TINY_CONFIG } from './support.ts';

trackResources(test);

function options(t: ExecutionContext, prompts: unknown) {
  return {
    model: modelDir(t, { 'config.json': TINY_CONFIG }),
    ids: jsonFile(t, prompts),
    out: join(temporaryFolder(t), 'out.safetensors'),
  };
}

function floats(file: SafetensorsFile, name: string): Float32Array {
  return new Float32Array(file.read(name).buffer);
}

test('the logits of prompt 0, 1, … are the tensors "0", "1", …, f32 [T, vocabulary]', async (t) => {
  const io = fakeIo();
  const { engine } = io;
  const prompts = [[8], [5, 6, 7]];
  const some = options(t, prompts);
  const parallel = { threads: 3, revectorize: false, tp: 2, ep: 2, backend: 'fork' } as const;
  const forward = io.engine.forward.bind(io.engine);
  engine.forward = (ids, { hidden }: { hidden?: boolean } = {}) => {
    t.falsy(hidden, 'what is not written is not computed');
    return forward(ids);
  };
  await logits({ ...some, ...parallel }, io);
  t.like(engine.loadedWith, parallel);
  const file = closing(t, SafetensorsFile.open(some.out));
  t.deepEqual([...file.tensors.keys()].sort(), ['0', '1']);
  t.like(file.tensors.get('0'), { dtype: 'F32', shape: [1, 304] });
  t.like(file.tensors.get('1'), { dtype: 'F32', shape: [3, 304] });
  t.deepEqual(floats(file, '0'), engine.forward(prompts[0]).logits);
  t.deepEqual(floats(file, '1'), engine.forward(prompts[1]).logits);
  t.is(engine.loadedWith?.cacheTokens, 3, 'the tokens of the longest prompt');
  t.true(engine.closed);
  t.is(io.stdout.text + io.stderr.text, '');
});

test('with --hidden, the file also has the hidden states, f32 [layers+2, T, width]', async (t) => {
  const io = fakeIo();
  const some = options(t, [[5, 6, 7]]);
  await logits({ ...some, hidden: true }, io);
  const file = closing(t, SafetensorsFile.open(some.out));
  t.deepEqual([...file.tensors.keys()].sort(), ['0', '0.hidden']);
  t.like(file.tensors.get('0.hidden'), { dtype: 'F32', shape: [4, 3, 4] });
  t.deepEqual(floats(file, '0.hidden'), io.engine.forward([5, 6, 7], { hidden: true }).hidden);
});

test('each of eleven prompts is computed once, and its result is released before the next one', async (t) => {
  setFlagsFromString('--expose-gc');
  const collectGarbage: () => void = runInNewContext('gc');
  const prompts = Array.from({ length: 11 }, (_, i) => [i + 1]);
  for (const hidden of [false, true]) {
    const io = fakeIo();
    const forward = io.engine.forward.bind(io.engine);
    const results: WeakRef<object>[] = [];
    const computed: number[] = [];
    io.engine.forward = (ids, options) => {
      collectGarbage();
      t.deepEqual(
        results.map((result) => result.deref() !== undefined),
        results.map(() => false),
      );
      const result = forward(ids, options);
      for (const values of [result.logits, result.hidden]) if (values) results.push(new WeakRef(values));
      computed.push(ids[0]);
      return result;
    };
    const some = options(t, prompts);
    await logits({ ...some, hidden }, io);
    t.deepEqual(
      computed.toSorted((a, b) => a - b),
      prompts.flat(),
    );
    const file = closing(t, SafetensorsFile.open(some.out));
    for (const [index, ids] of prompts.entries()) {
      t.deepEqual(floats(file, `${index}`), forward(ids).logits);
      if (hidden) t.deepEqual(floats(file, `${index}.hidden`), forward(ids, { hidden }).hidden);
    }
  }
});

test('a signal ends the run after the current prompt, and no file is written', async (t) => {
  const io = fakeIo();
  const forward = io.engine.forward.bind(io.engine);
  let numComputed = 0;
  io.engine.forward = (ids, options) => {
    numComputed++;
    // Like a real signal, it arrives when the event loop is free.
    setImmediate(() => io.signals.emit('SIGINT', 'SIGINT'));
    return forward(ids, options);
  };
  const some = options(t, [[1], [2], [3]]);
  t.like(await t.throwsAsync(logits(some, io), { instanceOf: Interrupted }), { exitCode: 130 });
  t.is(numComputed, 1);
  t.deepEqual(readdirSync(dirname(some.out)), []);
  t.true(io.engine.closed);
});

test('a prompt whose logits are more than 4 GiB is refused before the weights are read', async (t) => {
  const model = modelDir(t, { 'config.json': { ...TINY_CONFIG, vocab_size: 2 ** 28 } });
  const refused = fakeIo();
  await t.throwsAsync(logits({ ...options(t, [[1], [1, 2, 3, 4, 5]]), model }, refused), {
    instanceOf: PromptError,
    message:
      'prompt 1: its logits take 5 tokens × vocabulary 268435456 × 4 bytes = 5.4 GB; expected at most 4.3 GB: ' +
      'split the prompt',
  });
  t.is(refused.engine.loadedWith, undefined);
  const whole = fakeIo();
  whole.engine.forward = () => {
    throw new RangeError('as far as computing');
  };
  await t.throwsAsync(logits({ ...options(t, [[1, 2, 3, 4]]), model }, whole), { instanceOf: RangeError });
});

test('one invalid prompt is named, and nothing is computed or written', async (t) => {
  for (const [prompts, complaint] of [
    [[[1], []], /^prompt 1: the prompt is empty/],
    [[[1], [2], [3, 304]], /^prompt 2: the prompt's id at position 1 is 304/],
    [[[-1]], /^prompt 0: .* is -1/],
    [[new Array(17).fill(1)], /^prompt 0: .*the model has 16/],
  ] as const) {
    const io = fakeIo();
    const some = options(t, prompts);
    await t.throwsAsync(logits(some, io), { instanceOf: PromptError, message: complaint });
    t.deepEqual(readdirSync(dirname(some.out)), []);
    t.is(io.engine.loadedWith, undefined);
  }
});

test('an output path that is not writable is refused before anything is computed', async (t) => {
  const some = options(t, [[1]]);
  const folder = dirname(some.out);
  mkdirSync(join(folder, 'folder'));
  for (const [out, complaint] of [
    [join(folder, 'folder'), /cannot write to it: it is a folder; --out names a file$/],
    [join(folder, 'missing', 'out'), /cannot write to the folder .*missing \(ENOENT\)$/],
  ] as const) {
    const io = fakeIo();
    await t.throwsAsync(logits({ ...some, out }, io), { instanceOf: FileError, message: complaint });
    t.is(io.resolved.length, 0);
  }
});

test('an engine that fails is closed, and no file is left', async (t) => {
  const io = fakeIo();
  io.engine.forward = () => {
    throw new RangeError('of the engine');
  };
  const some = options(t, [[1]]);
  await t.throwsAsync(logits(some, io), { instanceOf: RangeError });
  t.true(io.engine.closed);
  t.false(existsSync(some.out));
});

test.serial('a terminal shows how much of the weights is read, and which prompt is computed', async (t) => {
  everyCountIsDrawn(t);
  const stderr = new FakeTerminal();
  await logits(options(t, [[5, 6]]), { ...fakeIo(), stderr });
  t.regex(
    stderr.text,
    /reading weights 50 % of 2 bytes.*prompt 1 of 1, 2 tokens.*writing .*out\.safetensors/s,
  );
  t.true(stderr.text.endsWith('\r'));
});
