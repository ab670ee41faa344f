import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { FileError } from '../../../../engine/errors.ts';
import { EXPORTERS } from '../../../../verify/report/exporters.ts';
import { readVerdict } from '../../../../verify/report/read-verdict.ts';
import { WRONG } from '../../../support/verify/sample-verdicts.ts';

const folder = mkdtempSync(join(tmpdir(), 'read-verdict-'));
test.after.always(() => rmSync(folder, { recursive: true }));
const path = join(folder, 'verdict.json');

test.serial('a verdict that was written is read again', (t) => {
  writeFileSync(path, EXPORTERS.json(WRONG));
  t.deepEqual(readVerdict(path), WRONG);
});

test.serial('a file that is absent, cut short or of another kind is refused by name', (t) => {
  const refused = (message: RegExp) => t.throws(() => readVerdict(path), { instanceOf: FileError, message });
  rmSync(path);
  refused(/cannot read .*verdict\.json \(ENOENT\); expected what plumbline-verify --json writes/);
  writeFileSync(path, EXPORTERS.json(WRONG).slice(0, 100));
  refused(/cannot read .* as JSON: .*; expected what/);
  writeFileSync(path, JSON.stringify({ ...WRONG, format: 2 }));
  refused(/is not a verdict of format 1: .*format/);
});
