import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { Checkpoint } from '../../../../engine/checkpoint/checkpoint.ts';
import { type TensorData, writeSafetensors } from '../../../../engine/checkpoint/safetensors-writer.ts';
import { CheckpointError } from '../../../../engine/errors.ts';
import { closing, temporaryFolder, trackResources } from '../../../support/processes/cleanup.ts';

// Shards of a checkpoint that is refused must be closed again: what stays open fails this spec.
trackResources(test);

const SINGLE = 'model.safetensors';
const INDEX = 'model.safetensors.index.json';
const A = 'model-00001-of-00002.safetensors';
const B = 'model-00002-of-00002.safetensors';

/** A tensor of bytes that all are `value`. */
const bytes = (value: number): TensorData => ({
  dtype: 'U8',
  shape: [4],
  data: new Uint8Array(4).fill(value),
});

interface Files {
  /** By file name, the tensors in it. */
  shards: Record<string, Record<string, TensorData>>;
  /** The index's content; text as it is, else as JSON. */
  index?: unknown;
}

function writeModel(t: ExecutionContext, { shards, index }: Files): string {
  const dir = temporaryFolder(t);
  for (const [file, tensors] of Object.entries(shards)) {
    writeSafetensors(join(dir, file), new Map(Object.entries(tensors)));
  }
  if (index !== undefined) {
    writeFileSync(join(dir, INDEX), typeof index === 'string' ? index : JSON.stringify(index));
  }
  return dir;
}

const TWO_SHARDS: Files = {
  shards: { [B]: { b: bytes(2), c: bytes(3) }, [A]: { a: bytes(1) } },
  index: { metadata: { total_size: 12 }, weight_map: { b: B, a: A, c: B } },
};

test('a single file is read', (t) => {
  const dir = writeModel(t, { shards: { [SINGLE]: { a: bytes(1), b: bytes(2) } } });
  const checkpoint = closing(t, Checkpoint.open(dir));
  t.deepEqual([...checkpoint.tensors.keys()], ['a', 'b']);
  t.deepEqual(
    checkpoint.files.map(({ path }) => path),
    [join(dir, SINGLE)],
  );
  t.deepEqual(checkpoint.get('b').file.read('b'), Uint8Array.of(2, 2, 2, 2));
});

test('shards are read as one, files in the order of their names', (t) => {
  const dir = writeModel(t, TWO_SHARDS);
  const checkpoint = closing(t, Checkpoint.open(dir));
  t.deepEqual(
    checkpoint.files.map(({ path }) => path),
    [join(dir, A), join(dir, B)],
  );
  t.deepEqual([...checkpoint.tensors.keys()].sort(), ['a', 'b', 'c']);
  for (const [name, value] of [
    ['a', 1],
    ['b', 2],
    ['c', 3],
  ] as const) {
    const { file, info } = checkpoint.get(name);
    t.deepEqual(file.read(name), new Uint8Array(4).fill(value));
    t.deepEqual(info.shape, [4]);
  }
});

test('a single file takes precedence over an index, as with HuggingFace', (t) => {
  const { shards, index } = TWO_SHARDS;
  const dir = writeModel(t, { shards: { ...shards, [SINGLE]: { only: bytes(9) } }, index });
  const checkpoint = closing(t, Checkpoint.open(dir));
  t.deepEqual([...checkpoint.tensors.keys()], ['only']);
});

test('a missing tensor is named with its file', (t) => {
  const checkpoint = closing(t, Checkpoint.open(writeModel(t, TWO_SHARDS)));
  t.throws(() => checkpoint.get('d'), {
    instanceOf: CheckpointError,
    message: `${checkpoint.files[0].path}: the tensor "d" is missing from the checkpoint`,
  });
});

const { shards } = TWO_SHARDS;
const weightMap = (map: unknown): Files => ({ shards, index: { weight_map: map } });
const NEITHER =
  'DIR: has neither model.safetensors nor model.safetensors.index.json; a HuggingFace model directory has one of them';
const NO_MAP = `DIR/${INDEX}: has no weight_map of tensor names to file names`;
const notAName = (name: string) => `DIR/${INDEX}: ${JSON.stringify(name)} is not a shard's file name`;
/** What is wrong, the files, and the whole message, in which DIR is the directory. */
const REFUSED: [string, Files, string | RegExp][] = [
  ['no weights at all', { shards: {} }, NEITHER],
  ['shards without an index', { shards }, NEITHER],
  [
    'a missing shard',
    { shards: { [A]: shards[A] }, index: TWO_SHARDS.index },
    `cannot open DIR/${B} (ENOENT)`,
  ],
  [
    'a tensor in no shard',
    weightMap({ a: A, b: B, c: B, d: A }),
    `DIR/${INDEX}: "d" is listed in ${A}, which does not have it`,
  ],
  [
    'a tensor in no index',
    weightMap({ a: A, b: B }),
    `DIR/${INDEX}: "c" is in ${B}, but the index lists it in no file`,
  ],
  [
    'a tensor in another shard',
    weightMap({ a: A, b: A, c: B }),
    `DIR/${INDEX}: "b" is in ${B}, but the index lists it in ${A}`,
  ],
  [
    'a tensor in two shards',
    {
      shards: { [A]: { a: bytes(1) }, [B]: { a: bytes(2), b: bytes(2) } },
      index: { weight_map: { a: A, b: B } },
    },
    `DIR/${INDEX}: "a" is in ${B}, but the index lists it in ${A}`,
  ],
  [
    'an index that is not JSON',
    { shards, index: '{"weight_map"' },
    /^cannot read DIR\/model\.safetensors\.index\.json as JSON: \S+ .*JSON/,
  ],
  [
    'an empty index',
    { shards, index: '' },
    /^cannot read DIR\/model\.safetensors\.index\.json as JSON: \S+ .*JSON/,
  ],
  ['an index that is null', { shards, index: 'null' }, NO_MAP],
  ['an index without a map', { shards, index: {} }, NO_MAP],
  ['a map of numbers', weightMap({ a: 1 }), NO_MAP],
  ['a map that is an array', weightMap([A, B]), NO_MAP],
  ['an empty map', weightMap({}), `DIR/${INDEX}: weight_map is empty`],
  ['a shard outside the folder', weightMap({ a: `../${A}` }), notAName(`../${A}`)],
  ['a shard with an absolute path', weightMap({ a: `/tmp/${A}` }), notAName(`/tmp/${A}`)],
  ['a shard in a Windows folder', weightMap({ a: `..\\${A}` }), notAName(`..\\${A}`)],
  ['a shard of another format', weightMap({ a: 'pytorch_model.bin' }), notAName('pytorch_model.bin')],
  ['a shard whose name goes on', weightMap({ a: `${A}.tmp` }), notAName(`${A}.tmp`)],
  ['a shard without a name', weightMap({ a: '.safetensors' }), notAName('.safetensors')],
];
for (const [what, files, message] of REFUSED) {
  test(`refused: ${what}`, (t) => {
    const dir = writeModel(t, files);
    const error = t.throws(() => Checkpoint.open(dir), { instanceOf: CheckpointError });
    const found = error.message.replaceAll(dir, 'DIR');
    if (typeof message === 'string') t.is(found, message);
    else t.regex(found, message);
  });
}

test('a shard that is cut short is refused', (t) => {
  const dir = writeModel(t, TWO_SHARDS);
  truncateSync(join(dir, B), 70);
  t.throws(() => Checkpoint.open(dir), { instanceOf: CheckpointError, message: /00002\S+ .*truncated/ });
});

test('an index that is a folder is refused', (t) => {
  const dir = temporaryFolder(t);
  mkdirSync(join(dir, INDEX));
  t.throws(() => Checkpoint.open(dir), {
    instanceOf: CheckpointError,
    message: /cannot read .*\(EISDIR\)/,
  });
});

test('a missing folder is refused', (t) => {
  const dir = join(temporaryFolder(t), 'missing');
  t.throws(() => Checkpoint.open(dir), { instanceOf: CheckpointError, message: /has neither/ });
});

test('closing a checkpoint closes its files', (t) => {
  const checkpoint = Checkpoint.open(writeModel(t, TWO_SHARDS));
  const { file } = checkpoint.get('c');
  checkpoint.close();
  t.throws(() => file.read('c'), { instanceOf: CheckpointError, message: /has been closed/ });
  t.notThrows(() => checkpoint.close());
});
