import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';

/**
 * Holds a text to a file beside the spec. With `UPDATE_EXPECTED=1` the file is written instead: read its
 * difference before it is committed.
 *
 * @param base `import.meta.url` of the spec.
 */
export function expectText(t: ExecutionContext, text: string, name: string, base: string): void {
  const path = fileURLToPath(new URL(`expected/${name}.txt`, base));
  if (process.env.UPDATE_EXPECTED) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  t.is(text, readFileSync(path, 'utf8'), `${path} has another text; UPDATE_EXPECTED=1 writes it anew`);
}
