import test from 'ava';
import { processShortage } from '../../../../engine/terminal/process-shortage.ts';

test('a process that can be started shows no shortage', (t) => {
  t.is(processShortage(), undefined);
});

test('a program that is not there is no shortage', (t) => {
  t.is(processShortage(['/nowhere/program']), undefined);
});
