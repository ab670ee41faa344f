import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { readPackageJson } from '../../../engine/terminal/package-json.ts';
import { startServe } from '../../support/servers/plumbline-serve.ts';
import type { LoadPeer, Peer, PeerSettings } from './peer.ts';

/** `plumbline serve` in a process of its own; this one is its clients, one for each sequence of a step. */
export const load: LoadPeer = async (settings) => await loadClients(settings, { stream: true });

/** @param stream whether answers are streamed; without it, no token is reported before the last. */
export async function loadClients(settings: PeerSettings, { stream }: { stream: boolean }): Promise<Peer> {
  const server = await startServe(settings.modelDir, ...flagsOf(settings));
  const agent = new Agent({ keepAlive: true });
  return {
    version: readPackageJson().version,
    maxConcurrent: settings.maxBatch,
    async generate(prompts, maxNewTokens, onToken) {
      const body = {
        temperature: 0,
        ignore_eos: true,
        stream,
        return_token_ids: true,
        max_tokens: maxNewTokens,
      };
      return await Promise.all(
        prompts.map((prompt, i) =>
          complete({ url: `${server.url}/completions`, agent, body: { ...body, prompt } }, () => onToken(i)),
        ),
      );
    },
    async close() {
      agent.destroy();
      await server.end();
    },
  };
}

/** The same settings as those of the engine beside it. */
function flagsOf({ threads, revectorize, cacheTokens, maxBatch, prefixCaching }: PeerSettings): string[] {
  const blockSize = 16;
  return [
    ...['--threads', String(threads)],
    ...['--cache-blocks', String(Math.ceil(cacheTokens / blockSize)), '--block-size', String(blockSize)],
    ...['--max-batch', String(maxBatch)],
    ...(revectorize ? [] : ['--no-revectorize']),
    ...(prefixCaching ? [] : ['--no-prefix-cache']),
  ];
}

interface Answer {
  choices: { token_ids: number[] }[];
  error?: object;
}

interface Completing {
  url: string;
  agent: Agent;
  body: { prompt: readonly number[]; stream: boolean };
}

/** Sends a request. @param onToken called for each part of a stream. @returns the tokens. */
async function complete({ url, agent, body }: Completing, onToken: () => void): Promise<number[]> {
  const sent = request(url, { method: 'POST', agent, headers: { 'content-type': 'application/json' } });
  sent.end(JSON.stringify(body));
  const [response] = await once(sent, 'response');
  if (!body.stream) {
    const { choices, error }: Answer = JSON.parse(await text(response));
    if (error) throw new Error(`the server answered ${JSON.stringify(error)}`);
    return choices.flatMap(({ token_ids }) => token_ids);
  }
  const tokens: number[] = [];
  let rest = '';
  for await (const part of response.setEncoding('utf8')) {
    const events: string[] = (rest + part).split('\n\n');
    rest = events.pop() ?? '';
    for (const event of events) {
      if (event === 'data: [DONE]') continue;
      const { choices = [], error } = JSON.parse(event.replace(/^data: /, ''));
      if (error) throw new Error(`the server answered ${JSON.stringify(error)}`);
      for (const { token_ids = [] } of choices) {
        tokens.push(...token_ids);
        if (token_ids.length > 0) onToken();
      }
    }
  }
  if (response.statusCode !== 200) throw new Error(`the server answered ${response.statusCode}: ${rest}`);
  return tokens;
}
