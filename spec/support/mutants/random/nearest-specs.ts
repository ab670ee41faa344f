import { existsSync, globSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The properties of a part of the engine, by the longest name that a source begins with. */
const PROPERTIES: readonly (readonly [string, readonly string[]])[] = [
  ['engine/kernels/', ['kernels', 'kernels-attention', 'kernels-shards']],
  ['engine/checkpoint/', ['safetensors', 'config']],
  ['engine/config.ts', ['config', 'engine-against-oracle']],
  ['engine/text/', ['tokenizer-chat', 'tokenizer-encode', 'tokenizer-stream']],
  [
    'engine/serving/',
    [
      ...['serving-bits', 'serving-block-manager', 'serving-block-pool', 'serving-prefix-cache'],
      ...['serving-scheduler', 'sampling', 'sampling-distribution'],
    ],
  ],
  ['engine/model/', ['engine-against-oracle', 'engine-bits']],
  ['engine/runner.ts', ['serving-bits', 'engine-bits']],
  ['engine/engine.ts', ['serving-bits', 'engine-bits']],
  ['engine/prompt-runner.ts', ['engine-bits']],
  ['verify/', ['judge']],
];

/**
 * The specs that are the first to see a bug in a source, in the order in which they are run: those of its
 * name, or of its folder if there are none, then the properties of its part.
 *
 * @param root the folder of the project.
 * @param file a source's path from there.
 * @returns groups of paths from the root.
 */
export function nearestSpecs(root: string, file: string): string[][] {
  const specs = (pattern: string) => globSync(pattern, { cwd: root }).sort();
  const stem = file.replace(/\.ts$/, '');
  const own = specs(`spec/unit/{${stem},${stem}-*}.spec.ts`);
  let folder = dirname(file);
  while (!existsSync(join(root, 'spec/unit', folder))) folder = dirname(folder);
  // The compiled kernels have no specs of their own names, and one for all.
  const ofFolder = file.includes('/assembly/') ? 'engine/kernels/kernels' : `${folder}/*`;
  const unit = own.length > 0 ? own : specs(`spec/unit/${ofFolder}.spec.ts`);
  const properties = PROPERTIES.find(([begin]) => file.startsWith(begin))?.[1] ?? [];
  const groups = [unit, properties.map((name) => `spec/property/${name}.spec.ts`)];
  return groups.filter((group) => group.length > 0);
}
