import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { ModelDirectory } from '../checkpoint/model-directory.ts';
import { describeWeights } from '../distributed/model-agreement.ts';
import { KERNELS_URL } from '../kernels/sources.ts';
import { readPackageJson } from '../terminal/package-json.ts';

/**
 * Names what the bits of an answer depend on beside the request: the program's version, the configuration
 * and the weights (their headers, and a sample of each), and the compiled kernels.
 *
 * @throws ConfigError, CheckpointError as the readers of a model directory do.
 */
export async function systemFingerprint(modelDir: string): Promise<string> {
  const kernels = shortHash(await readFile(KERNELS_URL));
  const directory = await ModelDirectory.open(modelDir);
  try {
    const weights = shortHash(JSON.stringify(directory.config) + describeWeights(directory.checkpoint));
    return `plumbline-${readPackageJson().version}-weights-${weights}-kernels-${kernels}`;
  } finally {
    directory.close();
  }
}

/** The first 12 digits of the SHA-256. */
function shortHash(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex').slice(0, 12);
}
