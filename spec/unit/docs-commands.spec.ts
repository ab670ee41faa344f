import { EventEmitter } from 'node:events';
import { globSync, readFileSync } from 'node:fs';
import test from 'ava';
import { Command } from 'commander';
import { split } from 'shlex';
import { FileError, Interrupted } from '../../engine/errors.ts';
import { defineInspect } from '../../verify/inspect-command.ts';
import { defineJudge } from '../../verify/judge-command.ts';
import { defineReports } from '../../verify/report-commands.ts';
import { defineSmoke } from '../../verify/smoke-command.ts';

class Understood extends Error {}

/**
 * Parses a command line of the judge, and stops where its model would be opened. A command without a model is
 * interrupted as soon as it listens for signals, before it has asked a server.
 */
async function parse(argv: readonly string[]): Promise<void> {
  const program = new Command().exitOverride().configureOutput({ writeErr: () => {} });
  const output = { write: () => {} };
  const findModel = () => Promise.reject(new Understood());
  const signals = new EventEmitter();
  if (!argv.includes('--model')) signals.on('newListener', (name) => setImmediate(() => signals.emit(name)));
  const io = { stdout: output, stderr: output, signals, findModel };
  const define = [defineJudge, defineSmoke, defineInspect];
  for (const add of define) add(program, io, () => {});
  defineReports(program, output, () => {});
  await program.parseAsync(argv, { from: 'user' });
}

/** The lines of a text that begin with the command, without comments. */
function linesOf(text: string): string[] {
  const command = /(?:npx plumbline-verify|npm run inspect --) ([^`#\n]*)/g;
  return [...text.matchAll(command)].map(([line, rest]) =>
    (line.startsWith('npm') ? `inspect ${rest}` : rest).trim(),
  );
}

test('every command of the judge in README, docs and examples is one that it understands', async (t) => {
  const files = globSync(['*.md', 'docs/*.md', 'examples/**/*.md']);
  const lines = files.flatMap((file) =>
    linesOf(readFileSync(file, 'utf8')).map((line) => [file, line] as const),
  );
  t.true(lines.length >= 20, `${lines.length} commands`);
  for (const [file, line] of lines) {
    const error = await t.throwsAsync(() => parse(split(line)), undefined, `${file}: ${line}`);
    // A report is read before anything else.
    const isUnderstood = [Understood, FileError, Interrupted].some((type) => error instanceof type);
    t.true(isUnderstood, `${file}: ${line}: ${error.message}`);
  }
});

test('a command with a flag that the judge does not have is found', async (t) => {
  const [line] = linesOf('    npx plumbline-verify smoke --model dense --speed 3   # asks one case\n');
  t.is(line, 'smoke --model dense --speed 3');
  await t.throwsAsync(parse(split(line)), { message: /unknown option '--speed'/ });
});

/** Paths from the root that a text quotes, without placeholders and the folder of pending goldens. */
function pathsOf(text: string): string[] {
  const quoted = [
    ...text.matchAll(/`((?:engine|generator|golden|verify|spec|docs|examples|\.ci)\/[^`\s]*)`/g),
  ];
  return quoted.map(([, path]) => path).filter((path) => !/[<…$]|\/NAME\b|\.pending/.test(path));
}

test('every file that README and the pages beside it name is there', (t) => {
  const pages = globSync(['*.md', 'docs/*.md', 'examples/**/*.md']).filter((page) => page !== 'CHANGELOG.md');
  const named = pages.flatMap((page) =>
    pathsOf(readFileSync(page, 'utf8')).map((path) => [page, path] as const),
  );
  t.true(named.length >= 100, `${named.length} paths`);
  const absent = named.filter(([, path]) => globSync(path).length === 0);
  t.deepEqual(
    absent.map(([page, path]) => `${page}: ${path}`),
    [],
  );
});

test('README has at most 80 lines', (t) => {
  t.true(readFileSync('README.md', 'utf8').trimEnd().split('\n').length <= 80);
});
