import test from 'ava';
import { siblingModule } from '../../../../engine/terminal/sibling-module.ts';

test('a source runs its sibling as source', (t) => {
  const url = siblingModule('./pool-thread.ts', 'file:///a/engine/kernels/pool.ts');
  t.is(url.href, 'file:///a/engine/kernels/pool-thread.ts');
});

test('compiled code runs its sibling compiled', (t) => {
  const url = siblingModule('./rank.ts', 'file:///a/node_modules/x/dist/engine/parallel/fork/launch.js');
  t.is(url.href, 'file:///a/node_modules/x/dist/engine/parallel/fork/rank.js');
});

test('a folder that ends like a source leaves the sibling as it is', (t) => {
  t.is(siblingModule('./b.ts', 'file:///a.js/a.ts').href, 'file:///a.js/b.ts');
});
