import { existsSync, globSync } from 'node:fs';
import { dirname, join } from 'node:path';

const property = (...names: string[]) => names.map((name) => `property/${name}`);
const distributed = (...names: string[]) => names.map((name) => `distributed/${name}`);

/** The properties of a part, or specs that run it whole: the first name that a source begins with counts. */
const WHOLE: readonly (readonly [string, readonly string[]])[] = [
  ['engine/kernels/', property('kernels', 'kernels-attention', 'kernels-shards')],
  ['engine/checkpoint/', property('safetensors', 'config')],
  ['engine/config.ts', property('config', 'engine-against-oracle')],
  ['engine/text/', property('tokenizer-chat', 'tokenizer-encode', 'tokenizer-stream')],
  [
    'engine/serving/',
    property(
      ...['serving-bits', 'serving-block-manager', 'serving-block-pool', 'serving-prefix-cache'],
      ...['serving-scheduler', 'sampling', 'sampling-distribution'],
    ),
  ],
  ['engine/model/', property('engine-against-oracle', 'engine-bits')],
  ['engine/runner.ts', property('serving-bits', 'engine-bits')],
  ['engine/engine.ts', property('serving-bits', 'engine-bits')],
  ['engine/distributed/prompt-runner.ts', property('engine-bits')],
  ['engine/parallel/mpi/', distributed('collectives', 'group-mpi-faults')],
  ['engine/parallel/', distributed('collectives', 'group-faults', 'group-errors')],
  ['engine/distributed/', distributed('sharded-bits', 'sharded-faults')],
  ['engine/server/', ['integration/server-completions']],
  ['engine/hub/', ['integration/hub', 'integration/hub-resume']],
  ['verify/', property('judge')],
];

/**
 * The specs that are the first to see a bug in a source, in the order in which they are run: those of its
 * name, or of its folder if there are none, then those of its part.
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
  // The compiled kernels have no specs of their own names, and four for all.
  const ofFolder = file.includes('/assembly/')
    ? 'engine/kernels/{kernels,pool,select,untouched}'
    : `${folder}/*`;
  const unit = own.length > 0 ? own : specs(`spec/unit/${ofFolder}.spec.ts`);
  const whole = WHOLE.find(([begin]) => file.startsWith(begin))?.[1] ?? [];
  const groups = [unit, whole.map((name) => `spec/${name}.spec.ts`)];
  return groups.filter((group) => group.length > 0);
}
