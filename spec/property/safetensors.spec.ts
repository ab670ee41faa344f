import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { DTYPE_BYTES, SafetensorsFile } from '../../engine/checkpoint/safetensors.ts';
import { type TensorData, writeSafetensors } from '../../engine/checkpoint/safetensors-writer.ts';
import { CheckpointError } from '../../engine/errors.ts';
import { temporaryFolder, trackResources } from '../support/processes/cleanup.ts';
import { codePoint } from '../support/properties/code-points.ts';

// Every file that is opened here, and above all every one that is refused, must be closed again.
trackResources(test);

const SEED = 20261122;

const tensor: fc.Arbitrary<TensorData> = fc
  .record({
    dtype: fc.constantFrom(...Object.keys(DTYPE_BYTES)),
    shape: fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 3 }),
  })
  .chain(({ dtype, shape }) => {
    const length = shape.reduce((product, size) => product * size, DTYPE_BYTES[dtype]);
    return fc.record({
      dtype: fc.constant(dtype),
      shape: fc.constant(shape),
      data: fc.uint8Array({ minLength: length, maxLength: length }),
    });
  });
const name = fc
  .oneof(fc.string(), fc.string({ unit: codePoint }), fc.nat(30).map(String), fc.constant('__proto__'))
  .filter((text) => text !== '__metadata__');
const tensors = fc
  .uniqueArray(fc.tuple(name, tensor), { selector: ([key]) => key, maxLength: 6 })
  .map((entries) => new Map(entries));

/** Comes before a file is written again: replacing one makes some file systems wait for the disk. */
const remove = (path: string) => rmSync(path, { force: true });

const metadata = fc.dictionary(fc.string(), fc.string(), { maxKeys: 3 });

/** Opens the file and reads everything in it. @returns undefined if it is refused, as it should be. */
function readAll(path: string): { file: SafetensorsFile; data: Map<string, Uint8Array> } | undefined {
  let file: SafetensorsFile;
  try {
    file = SafetensorsFile.open(path);
  } catch (error) {
    if (error instanceof CheckpointError && error.message.startsWith(path)) return undefined;
    throw error;
  }
  try {
    return { file, data: new Map([...file.tensors.keys()].map((key) => [key, file.read(key)])) };
  } finally {
    file.close();
  }
}

/**
 * The format's promise: every byte of the data belongs to exactly one tensor, as many as its shape asks for.
 */
function assertSound(file: SafetensorsFile, bytes: Uint8Array): void {
  const dataBegin = 8 + Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  const owners = new Uint8Array(bytes.byteLength);
  for (const [key, { dtype, shape, begin, end }] of file.tensors) {
    const size = shape.reduce((product, length) => product * length, DTYPE_BYTES[dtype]);
    if (end - begin !== size || end > bytes.byteLength) throw new Error(`"${key}" does not fit its bytes`);
    for (let i = begin; i < end; i++) owners[i] += 1;
  }
  const wrong = owners.findIndex((count, i) => count !== (i < dataBegin ? 0 : 1));
  if (wrong !== -1) throw new Error(`byte ${wrong} belongs to ${owners[wrong]} tensors`);
}

test('tensors of any name, dtype and shape are read back as they were written', (t) => {
  const path = join(temporaryFolder(t), 'x.safetensors');
  fc.assert(
    fc.property(tensors, metadata, (written, notes) => {
      remove(path);
      writeSafetensors(path, written, notes);
      const { file, data } = readAll(path)!;
      assertSound(file, readFileSync(path));
      t.deepEqual([...data.keys()].sort(), [...written.keys()].sort());
      for (const [key, { dtype, shape, data: expected }] of written) {
        const info = file.tensors.get(key)!;
        t.deepEqual([info.dtype, info.shape, data.get(key)], [dtype, shape, expected as Uint8Array]);
      }
      t.deepEqual(Object.entries(file.metadata).sort(), Object.entries(notes).sort());
    }),
    { seed: SEED, numRuns: 150 },
  );
  t.pass();
});

test('the bytes of a file do not depend on the order in which its tensors are given', (t) => {
  const folder = temporaryFolder(t);
  const [one, other] = [join(folder, 'one'), join(folder, 'other')];
  fc.assert(
    fc.property(tensors, (written) => {
      for (const path of [one, other]) remove(path);
      writeSafetensors(one, written);
      writeSafetensors(other, new Map([...written].reverse()));
      t.deepEqual(readFileSync(one), readFileSync(other));
    }),
    { seed: SEED, numRuns: 100 },
  );
  t.pass();
});

function edited(bytes: Uint8Array, which: number, value: string): Uint8Array {
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  const header = new TextDecoder().decode(bytes.subarray(8, 8 + length));
  const places = [...header.matchAll(/-?\d+|"[^"]*"/g)];
  if (places.length === 0) return bytes.slice(1);
  const place = places[which % places.length];
  const end = place.index + place[0].length;
  const changed = new TextEncoder().encode(header.slice(0, place.index) + value + header.slice(end));
  const begin = new Uint8Array(8);
  new DataView(begin.buffer).setBigUint64(0, BigInt(changed.byteLength), true);
  return Uint8Array.of(...begin, ...changed, ...bytes.subarray(8 + length));
}

/** Ways to damage a file's bytes. */
type Damage = fc.Arbitrary<(bytes: Uint8Array) => Uint8Array>;
const fraction = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const headerValue = fc.oneof(
  fc.constantFrom('-1', '1e400', '9007199254740993', '[]', 'null', '""'),
  fc.nat(64).map(String),
);
const cut: Damage = fraction.map((part) => (bytes) => bytes.slice(0, Math.floor(part * bytes.byteLength)));
const append: Damage = fc
  .uint8Array({ minLength: 1, maxLength: 9 })
  .map((more) => (bytes) => Uint8Array.of(...bytes, ...more));
const overwrite: Damage = fc
  .tuple(fraction, fc.integer({ min: 0, max: 255 }))
  .map(([part, value]) => (bytes) => {
    const position = Math.floor(part * bytes.byteLength);
    return bytes.map((byte, i) => (i === position ? value : byte));
  });
/** Replaces the n-th number or text in the header's JSON, and the header's length to match. */
const edit: Damage = fc.tuple(fc.nat(), headerValue).map(
  ([which, value]) =>
    (bytes) =>
      edited(bytes, which, value),
);

test('a damaged file is refused, or still keeps every promise of the format', (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, 'x.safetensors');
  let accepted = 0;
  let refused = 0;
  fc.assert(
    fc.property(tensors, fc.oneof(cut, append, overwrite, edit), (written, damage) => {
      remove(path);
      writeSafetensors(path, written);
      const damaged = damage(new Uint8Array(readFileSync(path)));
      remove(path);
      writeFileSync(path, damaged);
      const read = readAll(path);
      if (read) assertSound(read.file, damaged);
      if (read) accepted += 1;
      else refused += 1;
    }),
    { seed: SEED, numRuns: 1500 },
  );
  t.true(accepted > 20 && refused > 600, `${accepted} accepted, ${refused} refused`);
});

test('a file cut short anywhere, or with anything appended, is refused', (t) => {
  const path = join(temporaryFolder(t), 'x.safetensors');
  fc.assert(
    fc.property(tensors, fc.oneof(cut, append), (written, damage) => {
      remove(path);
      writeSafetensors(path, written);
      const damaged = damage(new Uint8Array(readFileSync(path)));
      remove(path);
      writeFileSync(path, damaged);
      t.is(readAll(path), undefined);
    }),
    { seed: SEED, numRuns: 300 },
  );
});

test('arbitrary bytes are refused', (t) => {
  const path = join(temporaryFolder(t), 'x.safetensors');
  const header = fc
    .tuple(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ maxLength: 8 }))
    .map(([json, data]) => Uint8Array.of(json.length, 0, 0, 0, 0, 0, 0, 0, ...json, ...data));
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 60 }), header), (bytes) => {
      remove(path);
      writeFileSync(path, bytes);
      t.is(readAll(path), undefined);
    }),
    { seed: SEED, numRuns: 500 },
  );
});
