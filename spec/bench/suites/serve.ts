import { alternate } from '../alternate.ts';
import { type BenchContext, peerSettings, type SuiteResult, skippedTask, withPeers } from '../context.ts';
import type { Measurement } from '../figure.ts';
import type { PeerProcess } from '../peers/process.ts';
import { seededPrompt } from '../workload.ts';

/** The engine alone, and the server that has it in a thread, streaming and not. */
const SUBJECTS = ['plumbline', 'plumbline-serve', 'plumbline-serve-whole'];

/**
 * When all but the first request come, in ms. Of requests that are sent together one reaches a server first,
 * and an idle engine begins a step with it alone: so it is at the engine without a server too.
 */
const OTHERS_AT_MS = 1;

/**
 * What HTTP costs: the same requests at the server, by clients that each send one after another, and at the
 * engine alone.
 */
export async function serve(context: BenchContext): Promise<SuiteResult> {
  if (!context.subjects.includes('plumbline')) return { measurements: [], skipped: [] };
  const result: SuiteResult = { measurements: [], skipped: [] };
  for (const clients of context.profile.serve.clients) {
    const { promptTokens, newTokens } = context.profile.serve;
    const settings = peerSettings(context, {
      cacheTokens: clients * (promptTokens + newTokens),
      maxBatch: clients,
    });
    const measured = await withPeers(context, SUBJECTS, settings, (peers) =>
      measure(context, peers, clients),
    );
    result.measurements.push(...measured.measurements);
    result.skipped.push(...measured.skipped);
  }
  return result;
}

/** All samples of one subject. */
interface Samples {
  tokensPerSecond: number[];
  firstTokenMs: number[];
  betweenTokensMs: number[];
}

async function measure(
  { config, profile, report }: BenchContext,
  peers: readonly PeerProcess[],
  clients: number,
): Promise<SuiteResult> {
  const { promptTokens, newTokens, requestsPerClient, minRequests } = profile.serve;
  const samples = new Map<string, Samples>();
  const arrivals = Array.from({ length: Math.max(clients * requestsPerClient, minRequests) }, (_, i) => ({
    atMs: i === 0 ? 0 : OTHERS_AT_MS,
    ids: seededPrompt(promptTokens, config.vocabSize, `${i}`),
    maxNewTokens: newTokens,
  }));
  const contenders = peers.map((peer) => ({
    name: peer.title,
    run: async () => {
      report(`serve: ${clients} clients, ${peer.title}`);
      const { requests, totalMs } = await peer.service(arrivals);
      const own = samples.get(peer.title) ?? { tokensPerSecond: [], firstTokenMs: [], betweenTokensMs: [] };
      samples.set(peer.title, own);
      own.tokensPerSecond.push((1000 * arrivals.length * newTokens) / totalMs);
      // The requests that came first have not waited for another of their client.
      const first = requests.slice(0, clients).filter(({ firstTokenMs }) => !Number.isNaN(firstTokenMs));
      own.firstTokenMs.push(...first.map(({ firstTokenMs }) => firstTokenMs));
      own.betweenTokensMs.push(...first.map((one) => (one.totalMs - one.firstTokenMs) / (newTokens - 1)));
    },
  }));
  const { failures } = await alternate(contenders, { rounds: profile.rounds, maxMs: profile.maxTaskMs });
  const variant = clients === 1 ? '1 client' : `${clients} clients`;
  const measurements = [...samples].flatMap(
    ([subject, { tokensPerSecond, firstTokenMs, betweenTokensMs }]) => {
      const common = { variant, subject };
      return [
        { ...common, task: 'tokens over HTTP', unit: 'tokens/s', better: 'higher', samples: tokensPerSecond },
        {
          ...common,
          task: 'time to first token over HTTP',
          unit: 'ms',
          better: 'lower',
          samples: firstTokenMs,
        },
        {
          ...common,
          task: 'time between tokens over HTTP',
          unit: 'ms',
          better: 'lower',
          samples: betweenTokensMs,
        },
      ] satisfies Measurement[];
    },
  );
  // Whole answers have no first token.
  const measured = measurements.filter(({ samples: { length } }) => length > 0);
  return { measurements: measured, skipped: skippedTask(`serve, ${variant}`, failures) };
}
