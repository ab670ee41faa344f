import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { cacheFolder, compileCacheFolder, homeFolder } from '../../../../engine/checkpoint/cache-folder.ts';

test.serial('the cache folder is PLUMBLINE_CACHE, else ~/.cache/plumbline', (t) => {
  const before = process.env.PLUMBLINE_CACHE;
  t.teardown(() => {
    if (before === undefined) delete process.env.PLUMBLINE_CACHE;
    else process.env.PLUMBLINE_CACHE = before;
  });
  process.env.PLUMBLINE_CACHE = '/some/where';
  t.is(cacheFolder(), '/some/where');
  t.is(compileCacheFolder(), join('/some/where', 'compiled'));
  // It needs no home directory.
  t.is(cacheFolder(null), '/some/where');
  t.is(compileCacheFolder(null), join('/some/where', 'compiled'));
  for (const unset of ['', undefined]) {
    if (unset === undefined) delete process.env.PLUMBLINE_CACHE;
    else process.env.PLUMBLINE_CACHE = unset;
    t.is(cacheFolder(), join(homedir(), '.cache', 'plumbline'));
    // Without a home directory nothing is written into the current folder, and no code is taken from /tmp.
    t.is(cacheFolder(null), join(tmpdir(), `plumbline-${process.getuid?.() ?? 'user'}`));
    t.is(compileCacheFolder(null), undefined);
  }
});

test('the home directory is HOME, else what the system says, else none', (t) => {
  const unknown = () => {
    throw new Error('ENOENT: uv_os_homedir');
  };
  t.is(homeFolder({ HOME: '/home/me' }, [unknown]), '/home/me');
  t.is(homeFolder({ HOME: '' }, [() => '', () => '/home/it']), '/home/it');
  t.is(homeFolder({}, [unknown, () => '']), null);
});
