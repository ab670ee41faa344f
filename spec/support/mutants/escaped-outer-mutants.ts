import type { EscapedMutant } from './escaped-mutants.ts';

/** A bug that the spec of its file's name sees. */
const own = (
  file: string,
  name: string,
  [find, replace]: [find: string, replace: string],
): EscapedMutant => ({ name, file, find, replace, spec: `spec/unit/${file.replace(/\.ts$/, '.spec.ts')}` });

/** The same as `ESCAPED_MUTANTS` of what stands around the engine: server, commands, generator and judge. */
export const ESCAPED_OUTER_MUTANTS: readonly EscapedMutant[] = [
  own('engine/server/request-state.ts', 'the pauses of a slow client are added up', [
    'numChecks = isStalled ? numChecks + 1 : 0;',
    'if (isStalled) numChecks++;',
  ]),
  own('engine/server/text-thread.ts', 'the time limit of a job ends a later one', [
    '    } finally {\n      clearTimeout(timer);\n    }',
    '    }',
  ]),
  own('engine/server/chat/conversation.ts', 'of two keys of thoughts the other one counts', [
    "message.reasoning_content == null ? 'reasoning' : 'reasoning_content'",
    "message.reasoning == null ? 'reasoning_content' : 'reasoning'",
  ]),
  own('engine/cli/serve.ts', '127.example.org is taken for this machine', [
    '/^127(\\.\\d+){3}$/',
    '/^127\\./',
  ]),
  own('generator/recording/progress.ts', 'the time of the models before counts', [
    'begun = now();',
    'begun ||= now();',
  ]),
  own('generator/export/gguf/tokenizer.ts', 'the last end of a sequence is written', [
    'config.eosTokenIds[0])',
    'config.eosTokenIds.at(-1))',
  ]),
  own('verify/compare/rows.ts', 'a token that is stored twice is compared with itself', [
    'new Set(columns.map((column) => expected.ids[column])).size < 2',
    'columns.length < 2',
  ]),
  own('verify/adapters/http/redact.ts', 'a key is shown where it stands twice', [
    "text.replaceAll(form, '***')",
    "text.replace(form, '***')",
  ]),
  own('verify/adapters/http/dialects/openai-logprobs.ts', 'rows move to the tokens of another part', [
    'top_logprobs ?? tokens.map(() => null))',
    'top_logprobs ?? [])',
  ]),
  own('verify/judge/precision-verdict.ts', 'rows that come in another order are not adjacent', [
    'indices.sort((a, b) => rows[a].position - rows[b].position)',
    'indices',
  ]),
  own('verify/judge/greedy-verdict.ts', 'the noise of the next position decides', [
    'noise(id, right.promptLength - 1 + flip)',
    'noise(id, right.promptLength + flip)',
  ]),
  own('verify/consistency/change.ts', 'an answer that goes on is the same', [
    'length: Math.max(a.length, b.length) }',
    'length: a.length }',
  ]),
  own('verify/report/words.ts', 'a vertical tab is let through', ['\\u0008\\u000b\\u000c', '\\u0008']),
  own('verify/conclude.ts', 'a case that is known to fail counts', [
    'const strict = counted.filter(',
    'const strict = cases.filter(',
  ]),
  own('engine/server/engine-thread.ts', 'the time limit of close() goes on after it', [
    '    clearTimeout(timer);\n',
    '',
  ]),
  own('engine/server/chat/message-parser.ts', 'a call that stands in what is no call is lost', [
    '[...first.toolCalls, ...last.toolCalls]',
    '[...first.toolCalls]',
  ]),
  own('engine/server/tokenize.ts', 'no special tokens are added by default', [
    'chat.add_special_tokens ?? true',
    'chat.add_special_tokens ?? false',
  ]),
  own('engine/distributed/follower.ts', 'a rank takes the threads of rank 0', [
    'threads: threads ?? setup.threads',
    'threads: setup.threads',
  ]),
  own('engine/distributed/model-agreement.ts', 'a weight is sampled at its beginning', [
    'Math.floor((info.end - info.begin - sample.length) / 2)',
    '0',
  ]),
  own('engine/terminal/command.ts', 'a command does not wait for what a failure starts', [
    'if (failed > 0) await onFailure',
    'if (failed > 0) onFailure',
  ]),
  own('verify/adapters/http/dialects/sglang.ts', 'the first event of a stream counts', [
    'events.at(-1)',
    'events[0]',
  ]),
  own('verify/compare/rows.ts', 'a token that may be a tie is missing', [
    'logit - least <= 2 * bound) continue',
    'logit - least <= bound) continue',
  ]),
  own('verify/protocol/wire-array.ts', 'a file of another shape is read', [
    'if (opened.shape.join() !== shape.join()) {',
    'if (opened.shape.length !== shape.length) {',
  ]),
  own('verify/report/junit.ts', 'errors are counted as failures', ["count('error')", "count('failure')"]),
  own('engine/server/metrics.ts', 'a latency is in milliseconds', [
    'this.#whole.observe(ms / 1000);',
    'this.#whole.observe(ms);',
  ]),
  own('engine/server/request-log.ts', 'the log has the stack of an error that the client is told', [
    'status === 500 ? inspect(cause)',
    'status >= 500 ? inspect(cause)',
  ]),
  own('engine/server/http-errors.ts', 'Identity is taken for a compression', [
    "encoding.toLowerCase() === 'identity'",
    "encoding === 'identity'",
  ]),
  own('engine/cli/arguments.ts', 'a token gets a second bias beside one of 0', [
    'if (key in before) throw',
    'if (before[key]) throw',
  ]),
  {
    ...own('verify/consistency/checks.ts', 'another order is the same order', [
      'withRows(first).reverse()',
      'withRows(first)',
    ]),
    spec: 'spec/unit/verify/consistency/judge-consistency.spec.ts',
  },
  own('verify/protocol/npy.ts', 'halves are read as bfloat16', ["'<f2': 'F16'", "'<f2': 'BF16'"]),
];
