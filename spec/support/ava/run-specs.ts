import { registerHooks } from 'node:module';
import { relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type AvaMessage, addFailureSource } from './failure-source.ts';
import { declarations } from './shared-test.ts';
import { SPEC, specFiles } from './spec-files.ts';

const SHARED_TEST = new URL('shared-test.ts', import.meta.url).href;

/**
 * Runs the spec files of a folder in this process, one after another. A process of its own would cost each
 * file 0.25 s of CPU time before its first test: Node's start, AVA's modules, the engine's.
 *
 * @param folder an absolute path.
 */
export async function runSpecs(folder: string): Promise<void> {
  registerHooks({
    resolve: (specifier, context, next) =>
      specifier === 'ava' && context.parentURL !== SHARED_TEST
        ? next(SHARED_TEST, context)
        : next(specifier, context),
  });
  showFailedLines();
  for (const path of specFiles(folder)) {
    declarations.beginFile(relative(folder, path).slice(0, -SPEC.length));
    await import(pathToFileURL(path).href);
  }
  declarations.declareAll();
}

/** AVA calls `process.send` with what it reports, an object of its own. */
function showFailedLines(): void {
  const send = process.send?.bind(process);
  if (!send) return;
  process.send = (message: AvaMessage, ...others: []) => {
    addFailureSource(message);
    return send(message, ...others);
  };
}
