import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { addressSpaceLeft } from '../../../../engine/terminal/address-space.ts';
import { temporaryFolder } from '../../../support/processes/cleanup.ts';

function process(t: ExecutionContext, limit: string): string {
  const folder = temporaryFolder(t);
  const limits = `Limit  Soft Limit  Hard Limit  Units\nMax address space         ${limit}    unlimited    bytes\n`;
  writeFileSync(join(folder, 'limits'), limits);
  writeFileSync(join(folder, 'status'), 'Name:\tnode\nVmPeak:\t  999 kB\nVmSize:\t  1000 kB\n');
  return folder;
}

test('what is left is the limit less what the process has', (t) => {
  t.is(addressSpaceLeft(process(t, '1024001')), 1);
  t.is(addressSpaceLeft(process(t, '1023999')), -1);
});

test('without a limit, or a system that says it, there is no end', (t) => {
  t.is(addressSpaceLeft(process(t, 'unlimited')), Number.POSITIVE_INFINITY);
  t.is(addressSpaceLeft(temporaryFolder(t)), Number.POSITIVE_INFINITY);
});
