/** A graph whose memory can be released. */
export interface Releasable<Arguments extends unknown[], Result> {
  forward(...args: Arguments): Promise<Result>;
  dispose(): Promise<void>;
}

/**
 * A graph that is in memory only while it computes: it is loaded for each forward pass and disposed of
 * afterwards, also after a failure.
 */
export function onDemand<Arguments extends unknown[], Result>(
  load: () => Promise<Releasable<Arguments, Result>>,
): Pick<Releasable<Arguments, Result>, 'forward'> {
  return {
    async forward(...args) {
      const graph = await load();
      try {
        return await graph.forward(...args);
      } finally {
        await graph.dispose();
      }
    },
  };
}
