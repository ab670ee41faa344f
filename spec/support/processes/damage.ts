import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SafetensorsFile } from '../../../engine/checkpoint/safetensors.ts';
import { writeSafetensors } from '../../../engine/checkpoint/safetensors-writer.ts';

const COMMON = 'model-00001-of-00002.safetensors';
const EXPERTS = 'model-00002-of-00002.safetensors';

/**
 * Moves experts of a model directory into a second shard, as large checkpoints have them.
 *
 * @param first the first expert to move; all later ones are moved too.
 * @returns the path of that file.
 */
export function splitOffExperts(dir: string, first: number): string {
  const path = join(dir, 'model.safetensors');
  const file = SafetensorsFile.open(path);
  const fileOf = (name: string) =>
    Number(/\.experts\.(\d+)\./.exec(name)?.[1] ?? -1) >= first ? EXPERTS : COMMON;
  const names = [...file.tensors.keys()];
  for (const part of [COMMON, EXPERTS]) {
    const tensors = names
      .filter((name) => fileOf(name) === part)
      .map((name) => [name, { ...file.tensors.get(name)!, data: file.read(name) }] as const);
    writeSafetensors(join(dir, part), new Map(tensors), { format: 'pt' });
  }
  file.close();
  rmSync(path);
  const weight_map = Object.fromEntries(names.map((name) => [name, fileOf(name)]));
  writeFileSync(join(dir, 'model.safetensors.index.json'), JSON.stringify({ metadata: {}, weight_map }));
  return join(dir, EXPERTS);
}

/** A mount namespace: its mounts end with its processes, and other processes do not see them. */
const UNSHARE = ['unshare', process.getuid?.() === 0 ? '-m' : '-rm'];

/**
 * A command that sees a tiny disk in place of a folder.
 *
 * @param options of tmpfs: "size=20k", "nr_inodes=1".
 */
export function withDisk(folder: string, options: string, command: readonly string[]): string[] {
  const mount = `mount -t tmpfs -o ${options} none "$0" && exec "$@"`;
  return [...UNSHARE, 'sh', '-c', mount, folder, ...command];
}

/** Whether this system lets a test mount disks. */
export function hasDisks(folder: string): boolean {
  const [command, ...args] = withDisk(folder, 'size=4k', ['true']);
  return spawnSync(command, args).status === 0;
}
