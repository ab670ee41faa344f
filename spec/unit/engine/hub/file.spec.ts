import test from 'ava';
import { ContentCheck, HubContentError, type HubFile, verify } from '../../../../engine/hub/file.ts';

/** `printf 'hello\n' | git hash-object --stdin` */
const GIT_FILE: HubFile = {
  path: 'config.json',
  size: 6,
  lfs: false,
  oid: 'ce013625030ba8dba906f756967f9e9ca394464a',
};
/** `printf 'abc' | sha256sum` */
const LFS_FILE: HubFile = {
  path: 'model.safetensors',
  size: 3,
  lfs: true,
  oid: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
};

async function* chunks(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

test('content with the announced hash passes, however it is cut', async (t) => {
  await t.notThrowsAsync(verify(chunks('hello\n'), GIT_FILE, 'here'));
  await t.notThrowsAsync(verify(chunks('he', '', 'llo\n'), GIT_FILE, 'here'));
  await t.notThrowsAsync(verify(chunks('a', 'bc'), LFS_FILE, 'here'));
});

test('an empty file passes', async (t) => {
  const empty = { path: 'empty', size: 0, lfs: false, oid: 'e69de29bb2d1d6434b8b29ae775ad8c2e48c5391' };
  await t.notThrowsAsync(verify(chunks(), empty, 'here'));
});

test('content of the right length and the wrong hash is refused, naming both hashes', async (t) => {
  await t.throwsAsync(verify(chunks('abd'), LFS_FILE, 'http://hub/x'), {
    instanceOf: HubContentError,
    message: new RegExp(
      `^http://hub/x: has SHA-256 a52d159f262b2c6ddb724a61840befc36eb30c88877a4030b65cbe86298449c9, but .* ${LFS_FILE.oid}; `,
    ),
  });
  await t.throwsAsync(verify(chunks('hellO\n'), GIT_FILE, 'here'), {
    instanceOf: HubContentError,
    message: /^here: has git SHA-1 [0-9a-f]{40}, but/,
  });
});

test('content that ends early is refused with both lengths', async (t) => {
  await t.throwsAsync(verify(chunks('ab'), LFS_FILE, 'here'), {
    instanceOf: HubContentError,
    message: 'here: ended after 2 of 3 bytes; try again',
  });
});

test('content that is too long is refused before the rest of it is read, and does not count', async (t) => {
  let read = 0;
  async function* tooLong(): AsyncGenerator<Uint8Array> {
    for (; read < 9; read++) yield Buffer.from('ab');
  }
  await t.throwsAsync(verify(tooLong(), LFS_FILE, 'here'), {
    instanceOf: HubContentError,
    message: /^here: is longer than the 3 bytes that the hub announces/,
  });
  t.is(read, 1, 'the second chunk is the last one read');
  const check = new ContentCheck(LFS_FILE);
  check.add(Buffer.from('ab'), 'here');
  t.throws(() => check.add(Buffer.from('cd'), 'here'), { instanceOf: HubContentError });
  t.is(check.size, 2);
});
