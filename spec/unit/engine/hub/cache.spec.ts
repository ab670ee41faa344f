import { spawnSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { HubError } from '../../../../engine/errors.ts';
import { HubCache, isCommit } from '../../../../engine/hub/cache.ts';
import type { HubFile } from '../../../../engine/hub/file.ts';
import { temporaryFolder, trackResources } from '../../../support/processes/cleanup.ts';

trackResources(test);

const COMMIT = 'c0ffee'.padEnd(40, '0');
const HELLO: HubFile = {
  path: 'config.json',
  size: 6,
  lfs: false,
  oid: 'ce013625030ba8dba906f756967f9e9ca394464a',
};
const NESTED: HubFile = { ...HELLO, path: 'onnx/model.onnx' };

const newCache = (t: ExecutionContext) => new HubCache(temporaryFolder(t), 'org/a.name');

/** Stores a file's content in parts; by default without a lock. */
async function put(cache: HubCache, parts: string[], { isLocked = false } = {}): Promise<void> {
  await cache.store(
    HELLO,
    async (partial) => {
      for (const part of parts) await partial.append(Buffer.from(part), 'here');
    },
    { from: 'here', isLocked },
  );
}

test('a commit has forty hexadecimal digits', (t) => {
  t.true(isCommit(COMMIT));
  for (const revision of ['main', COMMIT.slice(1), `${COMMIT}0`, COMMIT.toUpperCase()])
    t.false(isCommit(revision));
});

test('content is stored in blobs/ under its hash, and snapshots link to it with a relative path', async (t) => {
  const cache = newCache(t);
  await put(cache, ['hel', 'lo\n']);
  await cache.link(COMMIT, HELLO);
  await cache.link(COMMIT, NESTED);
  t.true(cache.folder.endsWith('/models--org--a.name'));
  t.deepEqual(readdirSync(join(cache.folder, 'blobs')), [HELLO.oid]);
  const snapshot = join(cache.folder, 'snapshots', COMMIT);
  t.is(cache.snapshotDir(COMMIT), snapshot);
  t.is(readlinkSync(join(snapshot, 'config.json')), `../../blobs/${HELLO.oid}`);
  t.is(readlinkSync(join(snapshot, 'onnx/model.onnx')), `../../../blobs/${HELLO.oid}`);
  t.is(readFileSync(join(snapshot, 'onnx/model.onnx'), 'utf8'), 'hello\n');
});

test('the cache has a file if both its link and its blob exist', async (t) => {
  const cache = newCache(t);
  t.false(cache.has(COMMIT, HELLO.path));
  await cache.link(COMMIT, HELLO);
  t.false(cache.has(COMMIT, HELLO.path));
  await put(cache, ['hello\n']);
  t.true(cache.has(COMMIT, HELLO.path));
});

test('the file of a branch holds its commit and nothing else, as huggingface_hub writes it', async (t) => {
  const cache = newCache(t);
  t.is(cache.commitOf('main'), undefined);
  await cache.setRef('main', COMMIT);
  await cache.setRef('refs/pr/1', 'a'.repeat(40));
  t.is(readFileSync(join(cache.folder, 'refs/main'), 'utf8'), COMMIT);
  t.is(cache.commitOf('main'), COMMIT);
  t.is(cache.commitOf('refs/pr/1'), 'a'.repeat(40));
  await cache.setRef('main', 'b'.repeat(40));
  t.is(cache.commitOf('main'), 'b'.repeat(40));
  // An editor or a shell ends the line.
  writeFileSync(join(cache.folder, 'refs/main'), `${COMMIT}\n`);
  t.is(cache.commitOf('main'), COMMIT);
});

test('no reference is written for a commit', async (t) => {
  const cache = newCache(t);
  t.is(cache.commitOf(COMMIT), COMMIT);
  await cache.setRef(COMMIT, COMMIT);
  t.false(existsSync(join(cache.folder, 'refs')));
});

test('a reference without a commit, or a folder of references, is ignored', (t) => {
  const cache = newCache(t);
  mkdirSync(join(cache.folder, 'refs/refs/pr'), { recursive: true });
  writeFileSync(join(cache.folder, 'refs/main'), '../../etc');
  t.is(cache.commitOf('main'), undefined);
  t.is(cache.commitOf('refs/pr'), undefined);
});

test('an absent file is marked where huggingface_hub marks it', async (t) => {
  const cache = newCache(t);
  t.false(cache.knowsAbsent(COMMIT, 'onnx/model.onnx'));
  await cache.markAbsent(COMMIT, 'onnx/model.onnx');
  t.true(cache.knowsAbsent(COMMIT, 'onnx/model.onnx'));
  t.is(readFileSync(join(cache.folder, '.no_exist', COMMIT, 'onnx/model.onnx'), 'utf8'), '');
});

test('a blob that is missing, truncated or corrupted is not intact', async (t) => {
  const cache = newCache(t);
  t.false(await cache.hasIntact(HELLO));
  await put(cache, ['hello\n']);
  t.true(await cache.hasIntact(HELLO));
  for (const damaged of ['hello', 'hellO\n']) {
    writeFileSync(join(cache.folder, 'blobs', HELLO.oid), damaged);
    t.false(await cache.hasIntact(HELLO));
  }
});

test('a failed store keeps its part only if it held the lock, and its error passes through', async (t) => {
  const cache = newCache(t);
  const broken = new HubError('the connection broke');
  for (const [isLocked, left] of [
    [false, []],
    [true, [`${HELLO.oid}.incomplete`]],
  ] as const) {
    const half = cache.store(
      HELLO,
      async (partial) => {
        await partial.append(Buffer.from('hel'), 'here');
        throw broken;
      },
      { from: 'here', isLocked },
    );
    t.is(await t.throwsAsync(half), broken);
    t.deepEqual(readdirSync(join(cache.folder, 'blobs')), [...left]);
  }
  await put(cache, ['hello\n']);
  t.is(readdirSync(join(cache.folder, 'blobs')).length, 2, 'without the lock the part is not used');
  await put(cache, ['lo\n'], { isLocked: true });
  t.deepEqual(readdirSync(join(cache.folder, 'blobs')), [HELLO.oid]);
  t.true(await cache.hasIntact(HELLO));
});

test('the lock of a file has the path that huggingface_hub uses', (t) => {
  const cache = newCache(t);
  t.is(cache.lockPath(NESTED), join(cache.folder, `../.locks/models--org--a.name/${HELLO.oid}.lock`));
});

test('only unfinished files of killed processes are removed, after an hour', async (t) => {
  const cache = newCache(t);
  await cache.removeAbandoned();
  t.false(existsSync(cache.folder));
  await put(cache, ['hello\n']);
  const blobs = join(cache.folder, 'blobs');
  const { pid: dead } = spawnSync(process.execPath, ['--version']);
  const hoursAgo = (name: string, hours: number) =>
    lutimesSync(join(blobs, name), new Date(), Date.now() / 1000 - hours * 3600);
  const abandoned = [`${HELLO.oid}.${dead}-0123abcd.incomplete`, `config.json.${dead}-4567cdef.incomplete`];
  writeFileSync(join(blobs, abandoned[0]), 'hel');
  symlinkSync('../nowhere', join(blobs, abandoned[1]));
  const kept = [
    // Files of running processes, of any user and any tool.
    `${HELLO.oid}.${process.pid}-0123abcd.incomplete`,
    `${HELLO.oid}.1-0123abcd.incomplete`,
    `${HELLO.oid}.incomplete`,
    HELLO.oid,
  ];
  for (const name of kept) writeFileSync(join(blobs, name), 'hello\n');
  const young = `${HELLO.oid}.${dead}-89abcdef.incomplete`;
  writeFileSync(join(blobs, young), 'hel');
  for (const name of [...abandoned, ...kept]) hoursAgo(name, 1.1);
  hoursAgo(young, 0.9);
  await cache.removeAbandoned();
  t.deepEqual(readdirSync(blobs).sort(), [...kept, young].sort());
});

test('two concurrent stores of a file both succeed and leave one complete file', async (t) => {
  const cache = newCache(t);
  const both = [
    ['hel', 'lo\n'],
    ['hello', '\n'],
  ].map(async (parts) => {
    await put(cache, parts);
    await cache.link(COMMIT, HELLO);
    await cache.setRef('main', COMMIT);
  });
  await Promise.all(both);
  t.deepEqual(readdirSync(join(cache.folder, 'blobs')), [HELLO.oid]);
  t.deepEqual(readdirSync(cache.snapshotDir(COMMIT)), ['config.json']);
  t.true(await cache.hasIntact(HELLO));
});

test('an error of a cache that cannot be written names the path and the variable', async (t) => {
  const dir = temporaryFolder(t);
  // A file in place of the folder also stops root, which permissions do not.
  writeFileSync(join(dir, 'models--org--name'), '');
  await t.throwsAsync(put(new HubCache(dir, 'org/name'), ['hello\n']), {
    instanceOf: HubError,
    message: /cannot write .*models--org--name\/blobs\/ce01\w+ \(ENOTDIR\); .* set HF_HUB_CACHE/,
  });
});

test('without symbolic links a file is moved into the snapshot if it is new, and copied otherwise', async (t) => {
  for (const code of ['EPERM', 'EACCES', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'EINVAL']) {
    const noSymlinks = async () => {
      throw Object.assign(new Error(code), { code, syscall: 'symlink' });
    };
    const cache = new HubCache(temporaryFolder(t), 'org/name', noSymlinks);
    await put(cache, ['hello\n']);
    await cache.link(COMMIT, NESTED);
    t.true(await cache.hasIntact(HELLO));
    await cache.link(COMMIT, HELLO, true);
    t.deepEqual(readdirSync(join(cache.folder, 'blobs')), []);
    for (const { path } of [HELLO, NESTED]) {
      t.true(lstatSync(join(cache.snapshotDir(COMMIT), path)).isFile());
      t.is(readFileSync(join(cache.snapshotDir(COMMIT), path), 'utf8'), 'hello\n');
    }
  }
});

test('a link that fails for another reason is an error', async (t) => {
  const full = async () => {
    throw Object.assign(new Error('full'), { code: 'ENOSPC', syscall: 'symlink' });
  };
  const cache = new HubCache(temporaryFolder(t), 'org/name', full);
  await put(cache, ['hello\n']);
  await t.throwsAsync(cache.link(COMMIT, HELLO), { instanceOf: HubError, message: /\(ENOSPC\)/ });
});
