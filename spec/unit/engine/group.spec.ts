import test from 'ava';
import { openGroup } from '../../../engine/group.ts';

// Groups of more than one rank are opened by spec/distributed/.

test('a single rank is this process, and no other is started', async (t) => {
  const { group, checked } = await openGroup('/nowhere', { size: 1 }, async () => 7);
  t.like(group, { rank: 0, size: 1 });
  t.is(checked, 7);
  await group.close();
});

test('what fails its check is not started', async (t) => {
  const check = () => Promise.reject(new Error('no such model'));
  await t.throwsAsync(openGroup('/nowhere', { size: 2 }, check), { message: 'no such model' });
});
