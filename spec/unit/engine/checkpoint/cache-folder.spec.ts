import { homedir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { cacheFolder, compileCacheFolder } from '../../../../engine/checkpoint/cache-folder.ts';

test.serial('the cache folder is PLUMBLINE_CACHE, else ~/.cache/plumbline', (t) => {
  const before = process.env.PLUMBLINE_CACHE;
  t.teardown(() => {
    if (before === undefined) delete process.env.PLUMBLINE_CACHE;
    else process.env.PLUMBLINE_CACHE = before;
  });
  process.env.PLUMBLINE_CACHE = '/some/where';
  t.is(cacheFolder(), '/some/where');
  t.is(compileCacheFolder(), join('/some/where', 'compiled'));
  for (const unset of ['', undefined]) {
    if (unset === undefined) delete process.env.PLUMBLINE_CACHE;
    else process.env.PLUMBLINE_CACHE = unset;
    t.is(cacheFolder(), join(homedir(), '.cache', 'plumbline'));
  }
});
