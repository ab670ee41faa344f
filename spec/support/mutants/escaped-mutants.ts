/** A bug that the suite had missed once, as an edit of a source, and the spec that sees it now. */
export interface EscapedMutant {
  readonly name: string;
  /** From the root of the project. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  readonly spec: string;
}

const engine = (
  file: string,
  spec: string,
  name: string,
  [find, replace]: [find: string, replace: string],
): EscapedMutant => ({
  ...{ name, find, replace },
  ...{ file: `engine/${file}`, spec: `spec/${spec}.spec.ts` },
});
const assembly = 'kernels/assembly';

/** A bug that escaped gets a row here with the test that closes the hole. */
export const ESCAPED_MUTANTS: readonly EscapedMutant[] = [
  engine(`${assembly}/elementwise/exp.ts`, 'property/kernels-attention', 'exp is wrong beyond 2 GiB', [
    '(end & 3)',
    '(end >> 31)',
  ]),
  engine(
    `${assembly}/attention/values.ts`,
    'property/engine-against-oracle',
    'a head ends at 64 dimensions',
    [
      'd < headBytes; d += 64) {\n    v128.store(out + d, f',
      'd < min<usize>(headBytes, 256); d += 64) {\n    v128.store(out + d, f',
    ],
  ),
  engine(`${assembly}/attention/tiled.ts`, 'property/kernels-attention', 'a block ends at 32 slots', [
    'slot < min(blockSize, most - t)',
    'slot < min<usize>(32, min(blockSize, most - t))',
  ]),
  engine(`${assembly}/attention/key-value.ts`, 'property/kernels', 'slots wrap at 4,096', [
    'cacheSlot / blockSize;',
    '(cacheSlot % 4096) / blockSize;',
  ]),
  engine('kernels/wasm.ts', 'property/kernels', 'rows of outputs wrap at 256', [
    'y: to + first * outputs',
    'y: to + (first % 256) * outputs',
  ]),
  engine(`${assembly}/threads/run.ts`, 'unit/engine/kernels/instance', 'two threads share their memory', [
    'thread * it.scratchBytes',
    'min<usize>(thread, 3) * it.scratchBytes',
  ]),
  engine(
    `${assembly}/threads/threads.ts`,
    'unit/engine/kernels/pool',
    'the number of a job does not change',
    ['(atomic.load<u64>(job) >> 32) + 1;', '(atomic.load<u64>(job) >> 32);'],
  ),
  engine('kernels/wasm.ts', 'unit/engine/kernels/untouched', 'attention runs before it has memory', [
    'scratch.require(1);\n      share(attentionCall(args, { threads, isWide }, at));',
    'share(attentionCall(args, { threads, isWide }, at));\n      scratch.require(1);',
  ]),
  engine('checkpoint/safetensors.ts', 'unit/engine/checkpoint/safetensors', 'offsets wrap at 2 GiB', [
    '(target.byteLength - done, 2 ** 30), position + done)',
    '(target.byteLength - done, 2 ** 30), (position + done) % 2 ** 31)',
  ]),
  engine('checkpoint/safetensors.ts', 'unit/engine/checkpoint/safetensors', 'f16 takes four bytes', [
    '  F16: 2,',
    '  F16: 4,',
  ]),
  engine('engine.ts', 'property/serving-bits', 'an abort ends the first sample alone', [
    'if (!signal || !this',
    'if (!signal || generation.sample > 0 || !this',
  ]),
  engine('serving/generation.ts', 'unit/engine/runner', 'cachedTokens is that of the last preemption', [
    'cachedTokens ??=',
    'cachedTokens =',
  ]),
  engine('serving/sampler.ts', 'unit/engine/serving/sampler', 'log-probabilities are of processed logits', [
    'tokenLogprobs(logits, token',
    'tokenLogprobs(temperature === 0 ? this.#process(logits) : logits, token',
  ]),
  engine('serving/sampler.ts', 'unit/engine/serving/sampler', 'seeds are cut to 32 bits', [
    'params.seed}/',
    'params.seed >>> 0}/',
  ]),
  engine(
    'serving/logits-processors.ts',
    'unit/engine/serving/logits-processors',
    'penalties are added first',
    [
      'frequencyPenalty * count;\n    logits[id] -= presencePenalty;',
      'frequencyPenalty * count + presencePenalty;',
    ],
  ),
  engine('config.ts', 'unit/engine/config', 'keys that mean the same may contradict each other', [
    'value !== first[1]',
    'value !== first[1] && key === undefined',
  ]),
  engine('distributed/model-agreement.ts', 'unit/engine/distributed/model-agreement', 'versions may differ', [
    "group.agree('version', readPackageJson().version, NO_TIMEOUT);",
    '',
  ]),
  engine('parallel/tree-sum.ts', 'unit/engine/parallel/tree-sum', 'two ranks are not added', [
    'step < parts.length; step',
    'step < parts.length - 1; step',
  ]),
  engine('parallel/fork/fifo-transport.ts', 'unit/engine/parallel/fork/fifo-transport', 'a message is lost', [
    'const inOrder = this.#header[1] === (this.#received[peer]++ | 0);',
    'const inOrder = true;',
  ]),
  engine('parallel/fork/fifos.ts', 'unit/engine/parallel/fork/fifos', 'Ctrl-C leaves the folder of FIFOs', [
    "trap '' HUP INT PIPE TERM",
    "trap '' HUP PIPE TERM",
  ]),
  engine(
    'distributed/prompt-runner.ts',
    'unit/engine/distributed/prompt-runner',
    "an observer's error is swallowed",
    ['if (thrown) throw thrown.error;', ''],
  ),
  engine('terminal/interrupt.ts', 'unit/engine/terminal/interrupt', 'a signal that has arrived is lost', [
    'await turn();\n    await turn();',
    'await turn();',
  ]),
  engine('text/jinja/text-filters.ts', 'unit/engine/text/jinja/budget', 'a filter counts nothing', [
    'holdText(plain.length * 9);',
    '',
  ]),
  engine(
    `${assembly}/matmul/few-rows.ts`,
    'unit/engine/kernels/untouched',
    'sums run over the end of scratch memory',
    ['return numStrips <= 4 ? 4 : 2;', 'return numStrips <= 8 ? 4 : 2;'],
  ),
  engine(`${assembly}/threads/threads.ts`, 'unit/engine/kernels/pool', 'a long job counts as silent', [
    'waits = done === before ? waits + 1 : 0;',
    'waits = waits + 1;',
  ]),
  engine('model/loader.ts', 'unit/engine/model/loader', 'a sharded matrix is right in its first piece only', [
    '(outputs.first + firstRow) * wholeInputs',
    '(outputs.first + firstRow) * inputs.count',
  ]),
  engine(
    'checkpoint/read-config.ts',
    'unit/engine/checkpoint/read-config',
    'a file that cannot be read counts as absent',
    ["whenMissing !== undefined && code === 'ENOENT'", 'whenMissing !== undefined'],
  ),
  engine('hub/lock.ts', 'unit/engine/hub/lock', 'a signal to flock gives up the lock', [
    'exitCode === BUSY || exitCode === null',
    'exitCode === BUSY',
  ]),
  engine('hub/timeout.ts', 'unit/engine/hub/timeout', 'a listener stays for every chunk', [
    "    signal?.removeEventListener('abort', onAbort);\n",
    '',
  ]),
  engine(
    'parallel/collectives.ts',
    'unit/engine/parallel/collectives',
    'own values elsewhere in one memory are left out',
    [
      'bytes.buffer !== gathered.buffer || bytes.byteOffset !== place(this.rank).byteOffset',
      'bytes.buffer !== gathered.buffer',
    ],
  ),
  engine(
    'parallel/fork/rank-process.ts',
    'unit/engine/parallel/fork/launch',
    'a rank may fail after it has left',
    ['code === 0 && this.#left', 'this.#left'],
  ),
  engine('text/chat.ts', 'unit/engine/text/chat', 'an additional default.jinja wins', [
    "if (file !== undefined) files.set('default', file);",
    "if (file !== undefined && !files.has('default')) files.set('default', file);",
  ]),
  engine(
    'text/jinja/comparison.ts',
    'unit/engine/text/jinja/template',
    'a reverse sort turns equal items round',
    [
      '    return reverse ? -sign : sign;\n  });\n',
      '    return sign;\n  });\n  if (reverse) keyed.reverse();\n',
    ],
  ),
  engine(
    'text/jinja/string-methods.ts',
    'unit/engine/text/jinja/template',
    'rsplit looks for the separator as it is',
    ['backwards(separatorOf(sep))', 'separatorOf(sep)'],
  ),
  engine('text/jinja/strftime.ts', 'unit/engine/text/jinja/strftime', 'noon is 00', [
    'date.getHours() % 12 || 12',
    'date.getHours() % 12',
  ]),
  engine('kernels/pool.ts', 'unit/engine/kernels/pool', 'a failure is an error of the next call only', [
    '} s`);\n    this.#checkAlive();',
    '} s`);',
  ]),
  engine('parallel/fork/rank-process.ts', 'unit/engine/parallel/fork/launch', 'standard output is not read', [
    '[this.#child.stdout, this.#child.stderr]',
    '[this.#child.stderr]',
  ]),
  engine('cli/input-files.ts', 'unit/engine/cli/input-files', 'a wrong first id is not refused', [
    'if (wrong !== -1) throw misplaced(',
    'if (wrong > 0) throw misplaced(',
  ]),
  engine('model/shard.ts', 'unit/engine/model/shard', 'all of a longer, earlier message is sent', [
    'this.#outgoing.subarray(0, size * mine.length)',
    'this.#outgoing',
  ]),
  engine(
    'hub/resolve-model.ts',
    'unit/engine/hub/resolve-model',
    'the hub is not asked for optional files that a snapshot lacks',
    ['(settings.offline || unknown.length === 0)', 'true'],
  ),
  engine(
    'kernels/checks.ts',
    'unit/engine/kernels/checks',
    'the last sequence decides the length of scores',
    ['Math.max(positions, sequence.startPosition + sequence.rows)', 'sequence.startPosition + sequence.rows'],
  ),
];
