import { EventEmitter } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { Command } from 'commander';
import { defineJudge, writeReports } from '../../../verify/judge-command.ts';
import { EXPORTERS, type ReportFormat } from '../../../verify/report/exporters.ts';
import { temporaryFolder } from '../../support/processes/cleanup.ts';
import { RIGHT } from '../../support/verify/sample-verdicts.ts';
import { FakeOutput } from '../engine/cli/support.ts';

/** What standard output has. */
function written(flags: Partial<Record<ReportFormat, string>>): string {
  const stdout = new FakeOutput();
  writeReports(flags, RIGHT, stdout);
  return stdout.text;
}

/** Every format but the terminal's has a flag of its name. */
const FORMATS = (Object.keys(EXPORTERS) as ReportFormat[]).filter((name) => name !== 'terminal');

test('every format has a flag', (t) => {
  const command = new Command();
  const output = new FakeOutput();
  const findModel = () => Promise.reject(new Error('no model is looked for'));
  const io = { stdout: output, stderr: output, signals: new EventEmitter(), findModel };
  defineJudge(command, io, () => {});
  const flags = new Set(command.options.map(({ long }) => long));
  t.deepEqual(
    FORMATS.filter((format) => !flags.has(`--${format}`)),
    [],
  );
});

test('every format is written to its file, and the terminal has the verdict', (t) => {
  const folder = temporaryFolder(t);
  const flags = Object.fromEntries(FORMATS.map((format) => [format, join(folder, format)]));
  t.is(written(flags), EXPORTERS.terminal(RIGHT));
  t.deepEqual(readdirSync(folder).sort(), FORMATS.toSorted());
  for (const format of FORMATS) t.is(readFileSync(join(folder, format), 'utf8'), EXPORTERS[format](RIGHT));
});

test('every format comes on standard output in place of the verdict where its file is -', (t) => {
  for (const format of FORMATS) t.is(written({ [format]: '-' }), EXPORTERS[format](RIGHT), format);
});

test('a format on standard output leaves the files of the others alone', (t) => {
  const html = join(temporaryFolder(t), 'page.html');
  t.is(written({ badge: '-', html }), EXPORTERS.badge(RIGHT));
  t.is(readFileSync(html, 'utf8'), EXPORTERS.html(RIGHT));
});
