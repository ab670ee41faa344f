import { readFileSync } from 'node:fs';
import { link, lstat, mkdir, readdir, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { linkOrCopy } from '../../../../generator/onnx/link.ts';
import { temporaryDir } from './checkpoints.ts';

const refuse = () => Promise.reject(Object.assign(new Error('cross-device link'), { code: 'EXDEV' }));

test('the second name is a link to the same file', async (t) => {
  const dir = await temporaryDir(t);
  await writeFile(join(dir, 'a'), 'weights');
  await linkOrCopy(join(dir, 'a'), join(dir, 'b'));
  t.is((await stat(join(dir, 'a'))).ino, (await stat(join(dir, 'b'))).ino);
});

test('without hard links, the file is copied', async (t) => {
  const dir = await temporaryDir(t);
  await writeFile(join(dir, 'a'), 'weights');
  await linkOrCopy(join(dir, 'a'), join(dir, 'b'), refuse);
  t.is(readFileSync(join(dir, 'b'), 'utf8'), 'weights');
  t.not((await stat(join(dir, 'a'))).ino, (await stat(join(dir, 'b'))).ino);
});

test('a link to another file is replaced, a link to the same file is kept', async (t) => {
  const dir = await temporaryDir(t);
  await writeFile(join(dir, 'a'), 'new weights');
  await writeFile(join(dir, 'b'), 'old weights');
  await linkOrCopy(join(dir, 'a'), join(dir, 'b'));
  t.is(readFileSync(join(dir, 'b'), 'utf8'), 'new weights');
  await linkOrCopy(join(dir, 'a'), join(dir, 'b'), () => t.fail('linked again'));
  t.deepEqual((await readdir(dir)).sort(), ['a', 'b']);
});

test("the target of a symbolic link is linked, as in the hub's cache", async (t) => {
  const dir = await temporaryDir(t);
  await writeFile(join(dir, 'blob'), 'weights');
  await symlink('blob', join(dir, 'a'));
  await linkOrCopy(join(dir, 'a'), join(dir, 'b'));
  t.false((await lstat(join(dir, 'b'))).isSymbolicLink());
  t.is((await stat(join(dir, 'b'))).ino, (await stat(join(dir, 'blob'))).ino);
});

test('a link that cannot be made leaves no file', async (t) => {
  const dir = await temporaryDir(t);
  await writeFile(join(dir, 'a'), 'weights');
  await mkdir(join(dir, 'b'));
  await t.throwsAsync(linkOrCopy(join(dir, 'a'), join(dir, 'b')), { message: /rename/ });
  t.deepEqual((await readdir(dir)).sort(), ['a', 'b']);
});

test('two concurrent writers leave one link and no other file', async (t) => {
  const dir = await temporaryDir(t);
  await writeFile(join(dir, 'a'), 'weights');
  await linkOrCopy(join(dir, 'a'), join(dir, 'b'), async (from, to) => {
    await link(from, to);
    await link(from, join(dir, 'b'));
  });
  t.deepEqual((await readdir(dir)).sort(), ['a', 'b']);
});
