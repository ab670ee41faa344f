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

/** Something new of two models, not yet published. */
function filled(folder: string): PendingGoldens {
  const pending = new PendingGoldens(folder);
  write(join(pending.modelFolder('dense'), 'manifest.json'), 'new manifest');
  write(join(pending.modelFolder('dense'), 'one.json'), 'new one');
  write(join(pending.modelFolder('dense'), 'one.safetensors'), 'new one’s numbers');
  write(join(pending.modelFolder('moe'), 'manifest.json'), 'another manifest');
  pending.addGone('dense', 'two.json');
  pending.addGone('dense', 'two.safetensors');
  return pending;
}

const ACCEPTED = {
  'dense/manifest.json': 'new manifest',
  'dense/one.json': 'new one',
  'dense/one.safetensors': 'new one’s numbers',
  'moe/manifest.json': 'another manifest',
};

test('what is published waits, and the goldens stay as they were', (t) => {
  const folder = goldens(t);
  t.true(filled(folder).publish());
  t.deepEqual(contents(folder), {
    '.pending/dense/manifest.json': 'new manifest',
    '.pending/dense/one.json': 'new one',
    '.pending/dense/one.safetensors': 'new one’s numbers',
    '.pending/gone.json': '["dense/two.json","dense/two.safetensors"]',
    '.pending/moe/manifest.json': 'another manifest',
    ...OLD,
  });
});

test('before it is published nothing is pending, and what is discarded leaves nothing', (t) => {
  const folder = goldens(t);
  const pending = filled(folder);
  t.false(existsSync(join(folder, PENDING)));
  t.throws(() => acceptPending(folder), { instanceOf: FileError });
  pending.discard();
  t.deepEqual(contents(folder), OLD);
});

test('discarding after publishing leaves what is pending', (t) => {
  const folder = goldens(t);
  const pending = filled(folder);
  pending.publish();
  const before = contents(folder);
  pending.discard();
  t.deepEqual(contents(folder), before);
});

test('publishing replaces what was pending before, also by nothing', (t) => {
  const folder = goldens(t);
  filled(folder).publish();
  const second = new PendingGoldens(folder);
  write(join(second.modelFolder('moe'), 'three.json'), 'three');
  t.true(second.publish());
  t.deepEqual(contents(join(folder, PENDING)), { 'gone.json': '[]', 'moe/three.json': 'three' });
  t.false(new PendingGoldens(folder).publish());
  t.deepEqual(contents(folder), OLD);
});

test('a case that is gone is pending, even if nothing else is', (t) => {
  const folder = goldens(t);
  const pending = new PendingGoldens(folder);
  pending.addGone('dense', 'two.json');
  t.true(pending.publish());
  t.deepEqual(acceptPending(folder), ['dense/two.json']);
  const { 'dense/two.json': _, ...rest } = OLD;
  t.deepEqual(contents(folder), rest);
});

test('accepting moves everything to its place, removes what is gone, and leaves no trace', (t) => {
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

test('a file that is gone but was never there is not counted', (t) => {
  const folder = goldens(t);
  const pending = new PendingGoldens(folder);
  pending.addGone('dense', 'refused.safetensors');
  pending.publish();
  t.deepEqual(acceptPending(folder), []);
  t.deepEqual(contents(folder), OLD);
});

test('with nothing pending there is nothing to accept, and the error says what to do', (t) => {
  const folder = goldens(t);
  const error = t.throws(() => acceptPending(folder), { instanceOf: FileError });
  t.regex(error.message, /nothing is pending; record first, look at what changed, then accept it$/);
  t.deepEqual(contents(folder), OLD);
});

test('the manifest comes last: an acceptance that is cut short leaves the old one, and is completed by the next', (t) => {
  const folder = goldens(t);
  filled(folder).publish();
  const obstacle = join(folder, 'dense', 'one.safetensors');
  rmSync(obstacle);
  mkdirSync(obstacle);
  const error = t.throws(() => acceptPending(folder), { instanceOf: FileError });
  t.regex(error.message, /\.pending: cannot be accepted \(E.*what is left of it is still pending$/);
  t.is(contents(folder)['dense/manifest.json'], 'old manifest');
  t.is(contents(folder)['dense/two.json'], 'old two');
  rmSync(obstacle, { recursive: true });
  acceptPending(folder);
  t.deepEqual(contents(folder), ACCEPTED);
});

test('what was accepted but not yet cleared away is cleared by the next acceptance', (t) => {
  const folder = goldens(t);
  mkdirSync(join(folder, PENDING, 'dense'), { recursive: true });
  t.deepEqual(acceptPending(folder), []);
  t.deepEqual(contents(folder), OLD);
  t.false(existsSync(join(folder, PENDING)));
});

test('a list of what is gone that was damaged is refused', (t) => {
  const folder = goldens(t);
  write(join(folder, PENDING, 'gone.json'), '{"dense": 1}');
  t.throws(() => acceptPending(folder), { instanceOf: FileError, message: /cannot be accepted/ });
  t.deepEqual(contents(folder), { ...OLD, '.pending/gone.json': '{"dense": 1}' });
});

test('what a killed process left half-way is nobody’s', (t) => {
  const folder = goldens(t);
  write(join(filled(folder).modelFolder('dense'), 'half.json'), '');
  const next = new PendingGoldens(folder);
  t.deepEqual(readdirSync(next.modelFolder('dense')), []);
});
