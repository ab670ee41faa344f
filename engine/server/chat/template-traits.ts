/** What a chat template says of the answers that its model writes. */
export interface TemplateTraits {
  /** The model writes its thoughts between `<think>` and `</think>`. */
  readonly hasThinking: boolean;
  /** The model reads of the tools that it may call. */
  readonly rendersTools: boolean;
  /** The model writes calls as JSON between `<tool_call>` and `</tool_call>`. */
  readonly hasToolCalls: boolean;
  /** The template takes the arguments of a call as JSON too; otherwise as an object only. */
  readonly takesArgumentsAsJson: boolean;
}

/**
 * Reads the traits from the template itself, because nothing else in a model directory says them. A model
 * whose template has no such tags is left alone, also one that writes calls otherwise, as Qwen3-Coder does
 * (`<function=…>`).
 *
 * @param sources Jinja, by name; undefined for a model without a template.
 */
export function templateTraits(sources: ReadonlyMap<string, string> = new Map()): TemplateTraits {
  const text = [...sources.values()].join('\n');
  return {
    hasThinking: text.includes('</think>'),
    rendersTools: /\btools\b/.test(text),
    hasToolCalls: text.includes('<tool_call>') && /"arguments\\?"\s*:/.test(text),
    takesArgumentsAsJson: /\.arguments\s+is\s+string\b/.test(text),
  };
}
