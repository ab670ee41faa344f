import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { FileError } from '../../../../engine/errors.ts';
import { acceptPending, PENDING, PendingGoldens } from '../../../../generator/review/pending.ts';
import { temporaryFolder, trackResources } from '../../../support/processes/cleanup.ts';

trackResources(test);

const OLD = {
  'dense/manifest.json': 'old manifest',
  'dense/one.json': 'old one',
  'dense/one.safetensors': 'old one’s numbers',
  'dense/two.json': 'old two',
  'dense/two.safetensors': 'old two’s numbers',
};

/** A folder of old goldens. */
function goldens(t: ExecutionContext): string {
  const folder = temporaryFolder(t);
  for (const [file, content] of Object.entries(OLD)) write(join(folder, file), content);
  return folder;
}

function write(path: string, content: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}

/** Contents by path, hidden files too. */
function contents(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((file) => file.isFile());
  const paths = files.map((file) => join(file.parentPath, file.name)).sort();
  return Object.fromEntries(paths.map((path) => [path.slice(folder.length + 1), readFileSync(path, 'utf8')]));
}

/** New goldens of two models, not yet published. */
function filled(folder: string): PendingGoldens {
  const pending = new PendingGoldens(folder);
  write(join(pending.modelFolder('dense'), 'manifest.json'), 'new manifest');
  write(join(pending.modelFolder('dense'), 'one.json'), 'new one');
  write(join(pending.modelFolder('dense'), 'one.safetensors'), 'new one’s numbers');
  write(join(pending.modelFolder('moe'), 'manifest.json'), 'another manifest');
  pending.addRemoved('dense', 'two.json');
  pending.addRemoved('dense', 'two.safetensors');
  return pending;
}

const ACCEPTED = {
  'dense/manifest.json': 'new manifest',
  'dense/one.json': 'new one',
  'dense/one.safetensors': 'new one’s numbers',
  'moe/manifest.json': 'another manifest',
};

test('published goldens are pending, and the old ones stay', (t) => {
  const folder = goldens(t);
  t.true(filled(folder).publish());
  t.deepEqual(contents(folder), {
    '.pending/dense/manifest.json': 'new manifest',
    '.pending/dense/one.json': 'new one',
    '.pending/dense/one.safetensors': 'new one’s numbers',
    '.pending/removed.json': '["dense/two.json","dense/two.safetensors"]',
    '.pending/moe/manifest.json': 'another manifest',
    ...OLD,
  });
});

test('nothing is pending before it is published, and discarding leaves no file', (t) => {
  const folder = goldens(t);
  const pending = filled(folder);
  t.false(existsSync(join(folder, PENDING)));
  t.throws(() => acceptPending(folder), { instanceOf: FileError });
  pending.discard();
  t.deepEqual(contents(folder), OLD);
});

test('discarding after publishing leaves the pending goldens', (t) => {
  const folder = goldens(t);
  const pending = filled(folder);
  pending.publish();
  const before = contents(folder);
  pending.discard();
  t.deepEqual(contents(folder), before);
});

test('publishing replaces the pending goldens, also by none', (t) => {
  const folder = goldens(t);
  filled(folder).publish();
  const second = new PendingGoldens(folder);
  write(join(second.modelFolder('moe'), 'three.json'), 'three');
  t.true(second.publish());
  t.deepEqual(contents(join(folder, PENDING)), { 'removed.json': '[]', 'moe/three.json': 'three' });
  t.false(new PendingGoldens(folder).publish());
  t.deepEqual(contents(folder), OLD);
});

test('a removed case alone is pending', (t) => {
  const folder = goldens(t);
  const pending = new PendingGoldens(folder);
  pending.addRemoved('dense', 'two.json');
  t.true(pending.publish());
  t.deepEqual(acceptPending(folder), ['dense/two.json']);
  const { 'dense/two.json': _, ...rest } = OLD;
  t.deepEqual(contents(folder), rest);
});

test('accepting moves new files, deletes removed ones, and leaves no other file', (t) => {
  const folder = goldens(t);
  filled(folder).publish();
  t.deepEqual(acceptPending(folder), [
    'dense/one.json',
    'dense/one.safetensors',
    'dense/manifest.json',
    'moe/manifest.json',
    'dense/two.json',
    'dense/two.safetensors',
  ]);
  t.deepEqual(contents(folder), ACCEPTED);
  t.deepEqual(readdirSync(folder).sort(), ['dense', 'moe']);
});

test('a removed file that does not exist is not counted', (t) => {
  const folder = goldens(t);
  const pending = new PendingGoldens(folder);
  pending.addRemoved('dense', 'refused.safetensors');
  pending.publish();
  t.deepEqual(acceptPending(folder), []);
  t.deepEqual(contents(folder), OLD);
});

test('accepting without pending goldens is an error that says what to do', (t) => {
  const folder = goldens(t);
  const error = t.throws(() => acceptPending(folder), { instanceOf: FileError });
  t.regex(error.message, /nothing is pending; record first, review the changes, then accept them$/);
  t.deepEqual(contents(folder), OLD);
});

test('the manifest is moved last: an interrupted acceptance leaves the old one, and the next completes it', (t) => {
  const folder = goldens(t);
  filled(folder).publish();
  const obstacle = join(folder, 'dense', 'one.safetensors');
  rmSync(obstacle);
  mkdirSync(obstacle);
  const error = t.throws(() => acceptPending(folder), { instanceOf: FileError });
  t.regex(error.message, /^cannot accept .*\.pending \(E.*the rest of it is still pending$/);
  t.is(contents(folder)['dense/manifest.json'], 'old manifest');
  t.is(contents(folder)['dense/two.json'], 'old two');
  rmSync(obstacle, { recursive: true });
  acceptPending(folder);
  t.deepEqual(contents(folder), ACCEPTED);
});

test('an accepted folder that was not deleted is deleted by the next acceptance', (t) => {
  const folder = goldens(t);
  mkdirSync(join(folder, PENDING, 'dense'), { recursive: true });
  t.deepEqual(acceptPending(folder), []);
  t.deepEqual(contents(folder), OLD);
  t.false(existsSync(join(folder, PENDING)));
});

test('a damaged list of removed files is refused', (t) => {
  const folder = goldens(t);
  write(join(folder, PENDING, 'removed.json'), '{"dense": 1}');
  t.throws(() => acceptPending(folder), { instanceOf: FileError, message: /^cannot accept / });
  t.deepEqual(contents(folder), { ...OLD, '.pending/removed.json': '{"dense": 1}' });
});

test('a folder that a killed process left is removed, that of a running one is not', (t) => {
  const folder = goldens(t);
  const { pid: ended } = spawnSync('true');
  const [abandoned, used] = [ended, process.ppid].map((pid) => `.pending.${pid}.${randomUUID()}.tmp`);
  for (const name of [abandoned, used, '.pending.notes.tmp'])
    mkdirSync(join(folder, name, 'dense'), { recursive: true });
  new PendingGoldens(folder);
  const left = readdirSync(folder).filter((name) => name.startsWith('.pending.'));
  t.deepEqual(left, [used, '.pending.notes.tmp'].sort());
});

test('a folder of an earlier run of the same process is not used', (t) => {
  const folder = goldens(t);
  write(join(filled(folder).modelFolder('dense'), 'half.json'), '');
  const next = new PendingGoldens(folder);
  t.deepEqual(readdirSync(next.modelFolder('dense')), []);
});

test('a folder of goldens in which nothing can be made is an error with what else to do', (t) => {
  // The folder is a file: root may write to any folder.
  const folder = join(temporaryFolder(t), 'goldens');
  const pending = new PendingGoldens(folder);
  writeFileSync(folder, '');
  const error = {
    instanceOf: FileError,
    message: /^cannot write to .*goldens \(E.*; give --folder .* or --check/,
  };
  t.throws(() => pending.modelFolder('dense'), error);
  pending.addRemoved('dense', 'one.json');
  t.throws(() => pending.publish(), error);
});
