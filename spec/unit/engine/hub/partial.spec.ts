import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { mock } from 'node:test';
import test, { type ExecutionContext } from 'ava';
import { HubContentError, type HubFile } from '../../../../engine/hub/file.ts';
import { fillPartial, PartialFile } from '../../../../engine/hub/partial.ts';
import { closing, temporaryFolder, trackResources } from '../../../support/processes/cleanup.ts';

trackResources(test);

/** `printf 'abc' | sha256sum` */
const FILE: HubFile = {
  path: 'model.safetensors',
  size: 3,
  lfs: true,
  oid: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
};

/** Path of a partial file, with the content that an earlier process left. */
function partialPath(t: ExecutionContext, left?: string): string {
  const path = join(temporaryFolder(t), 'blob.incomplete');
  if (left !== undefined) writeFileSync(path, left);
  return path;
}

/** Appends the rest of a text, and records the offset of each attempt. */
function appending(text: string) {
  const from: number[] = [];
  const fill = async (partial: PartialFile) => {
    from.push(partial.size);
    await partial.append(Buffer.from(text.slice(partial.size)), 'here');
  };
  return { fill, from };
}

for (const [left, from] of [
  [undefined, [0]],
  ['', [0]],
  ['a', [1]],
  ['abc', [3]],
  // A wrong part is found at the end; then the file is fetched from the beginning.
  ['x', [1, 0]],
  ['abx', [3, 0]],
  // Too long to be a part of the file.
  ['abcd', [0]],
] as const) {
  test(`fillPartial completes ${left === undefined ? 'a new file' : `a file of "${left}"`}`, async (t) => {
    const path = partialPath(t, left);
    const appended = appending('abc');
    await fillPartial(path, FILE, appended.fill, 'here');
    t.deepEqual(appended.from, [...from]);
    t.is(readFileSync(path, 'utf8'), 'abc');
  });
}

test('wrong content is refused, after one attempt from the beginning if a part was inherited, and removed', async (t) => {
  for (const [left, times] of [
    [undefined, 1],
    ['a', 2],
  ] as const) {
    for (const text of ['abd', 'ab', 'abcd']) {
      const path = partialPath(t, left);
      const appended = appending(text);
      await t.throwsAsync(fillPartial(path, FILE, appended.fill, 'here'), { instanceOf: HubContentError });
      t.is(appended.from.length, times);
      t.false(existsSync(path));
    }
  }
});

test.serial('what a write leaves of a chunk is written after it', async (t) => {
  const path = partialPath(t, '');
  const handle = await open(path);
  const prototype: FileHandle = Object.getPrototypeOf(handle);
  await handle.close();
  const { write } = prototype;
  const short = mock.method(prototype, 'write', function (
    this: FileHandle,
    bytes: Uint8Array,
    begin: number,
    length: number,
    position: number,
  ) {
    if (begin + length > bytes.length) throw new RangeError(`${length} bytes from ${begin}`);
    return Reflect.apply(write, this, [bytes, begin, Math.min(length, 1), position]);
  } as FileHandle['write']);
  t.teardown(() => short.mock.restore());
  await fillPartial(path, FILE, appending('abc').fill, 'here');
  t.is(readFileSync(path, 'utf8'), 'abc');
});

test('the part that arrived before another error is kept', async (t) => {
  const path = partialPath(t, 'a');
  const broken = new Error('the connection broke');
  const half = async (partial: PartialFile) => {
    await partial.append(Buffer.from('b'), 'here');
    throw broken;
  };
  t.is(await t.throwsAsync(fillPartial(path, FILE, half, 'here')), broken);
  t.is(readFileSync(path, 'utf8'), 'ab');
});

test('a part of an earlier process is inherited until the file is restarted', async (t) => {
  const partial = closing(t, await PartialFile.open(partialPath(t, 'ab'), FILE));
  t.true(partial.isInherited);
  t.is(partial.size, 2);
  await partial.restart();
  t.false(partial.isInherited);
  t.is(partial.size, 0);
});

test('opening a partial file passes errors of the file system through', async (t) => {
  const folder = temporaryFolder(t);
  await t.throwsAsync(PartialFile.open(folder, FILE), { code: 'EISDIR' });
  await t.throwsAsync(PartialFile.open(join(folder, 'a', 'b'), FILE), { code: 'ENOENT' });
});
