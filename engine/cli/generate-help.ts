/** What `plumbline generate --help` says beside the list of options. */
export const GENERATE_HELP = `
One of --prompt, --chat, --ids and --requests is required. Prompts are computed
together, and each gets the tokens that it would get alone, whatever the options
of batch and cache are. Text is printed as it comes, without the token or text
that ends it, in the order of the prompts. A model without tokenizer files can
continue ids; its tokens are then printed as numbers. Ctrl-C ends after the next
token.

A line of --requests has one of
  "prompt"     a text
  "messages"   a conversation, with "tools" and "enable_thinking" if need be
  "ids"        token ids
and may have "maxTokens", 0 for the prompt's log-probabilities alone, and
  temperature, topK, topP, minP, repetitionPenalty, presencePenalty,
  frequencyPenalty, logitBias ({"id": bias}), seed, minNewTokens, stop (texts),
  stopTokenIds, ignoreEos, n (samples), logprobs, promptLogprobs
which go before the flags. Unknown keys are refused, blank lines are skipped.

With --json, a line has: index, sample, promptTokens, cachedTokens (found in the
cache), tokens (ids), text (null without tokenizer files), finishReason ("stop",
"length" or "abort"), fingerprint (SHA-256 of the logits that each token was
chosen from), logprobs and promptLogprobs (if asked for: token, logprob and top
of each token, the first of the prompt apart), and timing (prefillMs and
decodeMs, in milliseconds). A request that fails has index and error instead;
the others go on, and the exit code is 1.

Examples:
  plumbline generate --model ./Qwen3-0.6B --prompt "Two and two" --max-tokens 16
  plumbline generate --model Qwen/Qwen3-0.6B --chat chat.json --max-tokens 256 \\
    --temperature 0.6 --top-k 20 --top-p 0.95 --seed 1
  plumbline generate --model ./Qwen3-0.6B --ids ids.json --max-tokens 32 --json
  plumbline generate --model ./Qwen3-0.6B --requests requests.jsonl --json \\
    --max-tokens 64 --max-batch 8 --logprobs 5`;
