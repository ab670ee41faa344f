import { shareOfThreads } from '../../../engine/distributed/open-group.ts';
import { Engine } from '../../../engine/engine.ts';
import { generateOne } from '../../../verify/generate.ts';

/**
 * An engine of two ranks, each started by mpirun as `engine-main.ts MODEL-DIR TOKENS TIMEOUT-MS REQUESTS`.
 * Each prints its number of threads; rank 0 prints a line for every token of the requests, which follow one
 * another, and their fingerprints.
 */
const [modelDir, tokens, timeout, requests] = process.argv.slice(2);

process.stderr.write(`threads ${shareOfThreads({ numRanks: 2 })}\n`);

try {
  const engine = await Engine.load(modelDir, { tp: 2, groupTimeoutMs: Number(timeout) });
  try {
    const request = { ids: [1, 2, 3], maxNewTokens: Number(tokens), ignoreEos: true };
    for (let i = 0; i < Number(requests); i++) {
      const { result } = await generateOne(engine, request, ({ token }) =>
        process.stdout.write(`token ${token}\n`),
      );
      process.stdout.write(`fingerprint ${result.fingerprint}\n`);
    }
  } finally {
    await engine.close();
  }
} catch (error) {
  process.stderr.write(`${String(error)}\n`);
  process.exitCode = 1;
}
