import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { SourceCopy } from '../../../../support/mutants/random/source-copy.ts';
import { temporaryFolder } from '../../../../support/processes/cleanup.ts';

/** A project with some files, by path, in a repository of its own. @returns its folder. */
export function projectOf(t: ExecutionContext, files: Readonly<Record<string, string>>): string {
  const root = temporaryFolder(t);
  execFileSync('git', ['init', '-q', root]);
  for (const [path, text] of Object.entries({ '.gitignore': 'node_modules\n', ...files })) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

/** A copy of a project, which is removed at the end of the test. */
export function copyOf(t: ExecutionContext, root: string, signal = new AbortController().signal): SourceCopy {
  const copy = new SourceCopy(root, signal);
  t.teardown(() => copy.remove());
  return copy;
}
