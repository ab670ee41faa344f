import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gguf } from '@huggingface/gguf';
import test from 'ava';
import { FileError } from '../../../../../engine/errors.ts';
import { string } from '../../../../../generator/export/gguf/metadata.ts';
import { type GgufTensor, writeGguf } from '../../../../../generator/export/gguf/writer.ts';
import { temporaryFolder, trackResources } from '../../../../support/processes/cleanup.ts';

trackResources(test);

const metadata = { 'general.name': string('odd') };

test('tensors of any size begin at multiples of 32, and their descriptions say where', async (t) => {
  const path = join(temporaryFolder(t), 'x.gguf');
  const sizes = [3, 16, 17, 1];
  const tensors = sizes.map((size, i): GgufTensor => {
    const part = new Uint8Array(size).fill(i + 1);
    return { name: `w${i}`, shape: [size], type: 'BF16', chunks: () => [part, part] };
  });
  const progress: [done: number, total: number][] = [];
  await writeGguf(path, metadata, tensors, (...report) => progress.push(report));
  const read = await gguf(path, { allowLocalFile: true });
  t.is((read.metadata as unknown as Record<string, unknown>)['general.name'], 'odd');
  const file = readFileSync(path);
  for (const [i, { offset, shape }] of read.tensorInfos.entries()) {
    const begin = Number(read.tensorDataOffset + offset);
    t.is(begin % 32, 0);
    t.deepEqual(shape.map(Number), [sizes[i]]);
    const stored = file.subarray(begin, begin + 2 * sizes[i]);
    t.true(stored.every((byte) => byte === i + 1) && stored.length === 2 * sizes[i], `w${i}`);
  }
  t.deepEqual(progress[0], [3, 74]);
  t.deepEqual(progress.at(-1), [74, 74]);
});

test('a tensor of another size than it says leaves no file behind', async (t) => {
  const folder = temporaryFolder(t);
  for (const given of [11, 13]) {
    const chunks = () => [new Uint8Array(5), new Uint8Array(given - 5)];
    const tensor: GgufTensor = { name: 'w', shape: [2, 3], type: 'BF16', chunks };
    await t.throwsAsync(writeGguf(join(folder, 'x.gguf'), metadata, [tensor]), {
      instanceOf: RangeError,
      message: `w: BF16 [2, 3] takes 12 bytes; ${given} were given`,
    });
    t.deepEqual(readdirSync(folder), []);
  }
});

test('a file that cannot be written is named', async (t) => {
  const path = join(temporaryFolder(t), 'none', 'x.gguf');
  await t.throwsAsync(writeGguf(path, metadata, []), {
    instanceOf: FileError,
    message: `cannot write ${path} (ENOENT)`,
  });
});
