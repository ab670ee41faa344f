import { join, quote } from 'shlex';
import { PROTOCOL_VERSION } from '../../protocol/messages.ts';
import { parseCommand } from './parse-command.ts';

/** What is asked of the program. */
export interface ReproducedRequests {
  readonly modelDir: string;
  readonly generate: { readonly ids: readonly number[]; readonly maxNewTokens: number };
  readonly forward: { readonly ids: readonly number[]; readonly positions: readonly number[] };
}

/**
 * A line for a shell that gives a program the same requests by hand, so that its author sees what it answers.
 *
 * @param command as `commandSubject` takes it.
 * @throws UsageError as `parseCommand` does.
 */
export function reproduceCommand(
  command: string | readonly string[],
  { modelDir, generate, forward }: ReproducedRequests,
): string {
  const messages = [
    { type: 'start', id: 'r1', protocol: PROTOCOL_VERSION },
    { type: 'load', id: 'r2', model: modelDir },
    { type: 'generate', id: 'r3', ...generate, greedy: true },
    { type: 'forward', id: 'r4', ...forward, hidden: false },
    { type: 'stop', id: 'r5' },
  ];
  const lines = messages.map((message) => quote(JSON.stringify(message)));
  return `printf '%s\\n' ${lines.join(' ')} | ${join(parseCommand(command))}`;
}
