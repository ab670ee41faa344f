import test from 'ava';
import { openGroup } from '../../../engine/group.ts';

// Groups of more than one rank are opened by spec/distributed/.

test('a single rank is this process, and no other is started', async (t) => {
  const group = await openGroup('/nowhere', { size: 1 });
  t.like(group, { rank: 0, size: 1 });
  await group.close();
});
