import type { VerifyCase } from './verify-case.ts';

/**
 * What a folder of written answers has in it. `plumbline-goldens export` writes {@link casesJson} and
 * {@link dumpReadme} there, and `plumbline-verify --dump` reads the answers.
 */

/** The version of this layout. */
export const DUMP_FORMAT = 1;

/** Files of the folder that are no answers. */
export const CASES_FILE = 'cases.json';
export const ENGINE_FILE = 'engine.json';
export const README_FILE = 'README.md';

/** A conversation whose ids are wanted. */
export interface DumpConversation {
  readonly messages: readonly object[];
  readonly tools?: readonly object[];
  readonly enableThinking?: boolean;
  readonly addGenerationPrompt: boolean;
}

/** What is to be computed of one case. */
export interface DumpCase {
  readonly id: string;
  /** The text whose ids are wanted. */
  readonly text?: string;
  /** The conversation whose ids are wanted. */
  readonly conversation?: DumpConversation;
  /** Scores of these positions, if there are any. */
  readonly forward?: { readonly ids: readonly number[]; readonly positions: readonly number[] };
  /** Greedy tokens after these ids. */
  readonly generate: { readonly ids: readonly number[]; readonly maxNewTokens: number };
}

/** `cases.json` */
export interface DumpCases {
  readonly format: typeof DUMP_FORMAT;
  readonly model: string;
  readonly cases: readonly DumpCase[];
}

/** What a dump of these cases has to answer. @param model its name in reports. */
export function dumpCases(model: string, cases: readonly VerifyCase[]): DumpCases {
  return { format: DUMP_FORMAT, model, cases: cases.map(dumpCase) };
}

/** The same as the text of `cases.json`: a line for each case. */
export function casesJson({ format, model, cases }: DumpCases): string {
  const lines = cases.map((each) => `    ${JSON.stringify(each)}`);
  return `{\n  "format": ${format},\n  "model": ${JSON.stringify(model)},\n  "cases": [\n${lines.join(',\n')}\n  ]\n}\n`;
}

function dumpCase({ id, promptIds, greedy, positions, text, conversation, refusal }: VerifyCase): DumpCase {
  // The scores of generated tokens are compared after the same tokens for every engine: these are input
  // too.
  const forward = positions.length > 0 ? { ids: [...promptIds, ...greedy], positions } : undefined;
  // Of a prompt that has to be refused one token is asked for.
  const maxNewTokens = refusal === undefined ? greedy.length : 1;
  return {
    id,
    ...(conversation ? { conversation: conversationOf(conversation) } : text === undefined ? {} : { text }),
    ...(forward ? { forward } : {}),
    generate: { ids: promptIds, maxNewTokens },
  };
}

function conversationOf({ messages, template }: NonNullable<VerifyCase['conversation']>): DumpConversation {
  const { tools, ...options } = { addGenerationPrompt: true, ...template };
  return { messages, ...options, ...(tools ? { tools: tools as object[] } : {}) };
}

/** What {@link dumpReadme} takes beside the cases. */
export interface DumpReadmeOptions {
  /** The model's path in the folder. */
  readonly written: string;
  /** The path of the prompts' file that the judge has to be given as well. Default: none. */
  readonly prompts?: string;
}

/** What a person who cannot let the judge drive an engine has to read: the text of `README.md`. */
export function dumpReadme({ model, cases }: DumpCases, { written, prompts }: DumpReadmeOptions): string {
  const given = prompts === undefined ? '' : ` --prompts ${prompts}`;
  return `# Answers of your engine for \`${model}\`

Load the model in \`${written}\`, compute what \`${CASES_FILE}\` asks for, write it into this folder, and have it judged:

    npx plumbline-verify --model ${model}${given} --dump <this folder>
\`${CASES_FILE}\` has ${cases.length} cases. A case has an \`id\` and

| field | what to compute | what to write |
|---|---|---|
| \`generate\` | \`maxNewTokens\` greedy tokens after the prompt \`ids\`; no token ends the generation | \`<id>.json\`: \`{"tokens": [...]}\` |
| \`forward\` | one forward pass over \`ids\`; the scores at each of the P \`positions\`, counted from 0, that is, of the token after it | one of the files below |
| \`text\` | its token ids, with special tokens recognised and none added | \`"promptIds": [...]\` in \`<id>.json\` |
| \`conversation\` | its token ids by the chat template | likewise |

If the engine refuses a prompt, or fails, write \`{"error": "what it says"}\` to \`<id>.json\` and no scores.

Scores are logits or natural log-probabilities: they may differ from logits by one constant per row. All cases have them in the
same form, or none has:

| form | safetensors: \`<id>.safetensors\` | NumPy |
|---|---|---|
| the whole vocabulary | \`logits\` [P, vocabulary] | \`<id>.npy\` |
| the likeliest n | \`ids\` [P, n] and \`logprobs\` [P, n] | \`<id>.ids.npy\` and \`<id>.logprobs.npy\` |
| hidden states, if there are any | \`hidden\` [layers + 2, tokens, hidden size] | \`<id>.hidden.npy\` |

Hidden states are the embedding, the output of each layer before the final norm, and the output of the final norm, for all \`ids\` of
\`forward\`. Floats may have 16, 32 or 64 bits, ids 32 or 64; arrays are in C's order.

\`${ENGINE_FILE}\` may say what the engine is: \`{"name": "my-engine", "version": "1.0", "language": "Rust", "precision": "bf16"}\`
(precision: f32, f16, bf16, 8bit or 4bit).

Without scores only the tokens are judged. What is optional and absent is not judged, and the report says so. A case without its
file, a file of no case, and an array of another shape are refused, all at once.
`;
}
