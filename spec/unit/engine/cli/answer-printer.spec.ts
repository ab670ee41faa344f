import test from 'ava';
import { AnswerPrinter, type AnswerPrinterOptions } from '../../../../engine/cli/answer-printer.ts';
import type { GenerateResult, TokenEvent } from '../../../../engine/serving/requests.ts';

/** A printer and its output, with errors between `[` and `]`. */
function printing(options: Partial<AnswerPrinterOptions> = {}) {
  const state = { out: '' };
  const printer = new AnswerPrinter({
    requests: [{ name: 'first' }, { name: 'second', n: 2 }, { name: 'third' }],
    json: false,
    print: (text) => {
      state.out += text;
    },
    printError: (line) => {
      state.out += `[${line}]`;
    },
    ...options,
  });
  const result = (request: number, sample: number, change: Partial<GenerateResult>) =>
    printer.take({ type: 'result', request, sample, result: { ...RESULT, ...change } });
  return {
    printer,
    token: (request: number, sample: number, text: string | undefined, token = 7) =>
      printer.take({ ...TOKEN, request, sample, token, text }),
    result,
    end: (request: number, sample: number, text: string | undefined) => result(request, sample, { text }),
    fail: (request: number) => printer.take({ type: 'error', request, error: new Error('no room') }),
    /** The output since the last call. */
    printed() {
      const { out } = state;
      state.out = '';
      return out;
    },
  };
}

const TOKEN: TokenEvent = {
  ...{ type: 'token', request: 0, sample: 0, token: 7, text: undefined },
  ...{ logprobs: undefined, logits: undefined },
};
const RESULT: GenerateResult = {
  ...{ promptTokens: 3, cachedTokens: 2, tokens: [7], text: undefined, finishReason: 'length' },
  stopReason: undefined,
  ...{ fingerprint: 'f', logprobs: undefined, promptLogprobs: undefined },
  timing: { prefillMs: 1, decodeMs: 2 },
};

test('the first unfinished sample is printed as it is generated, later ones after it', (t) => {
  const { printer, token, end, printed } = printing();
  token(1, 1, 'd');
  token(0, 0, 'a');
  t.is(printed(), 'a');
  token(1, 0, 'c');
  end(1, 1, 'd');
  t.is(printed(), '');
  token(0, 0, 'b');
  t.is(printed(), 'b');
  end(0, 0, 'ab');
  t.is(printed(), '\nc');
  token(2, 0, 'e');
  t.is(printed(), '');
  end(1, 0, 'c');
  t.is(printed(), '\nd\ne');
  t.deepEqual([printer.numDone, printer.numSamples, printer.numFailed], [3, 4, 0]);
});

test('text that only the result has, such as the beginning of a stop string, is printed with it', (t) => {
  const { token, end, printed } = printing();
  token(0, 0, 'a');
  end(0, 0, 'ab');
  t.is(printed(), 'ab\n');
});

test('without text, ids are printed as numbers separated by spaces', (t) => {
  const { token, result, printed } = printing();
  token(0, 0, undefined, 5);
  token(0, 0, undefined, 70);
  t.is(printed(), '5 70');
  result(0, 0, { tokens: [5, 70] });
  t.is(printed(), '\n');
});

test('lines of JSON are in the order of the requests, each printed when complete', (t) => {
  const { token, result, printed } = printing({ json: true });
  const top = [{ token: 7, logprob: -1, top: [] }];
  token(0, 0, 'a');
  result(1, 0, { text: 'b', finishReason: 'stop', stopReason: '.' });
  t.is(printed(), '');
  result(0, 0, { text: undefined, logprobs: top, promptLogprobs: [] });
  const before = '"promptTokens":3,"cachedTokens":2,"tokens":[7]';
  const middle = '"finishReason":"length","fingerprint":"f"';
  const after = '"timing":{"prefillMs":1,"decodeMs":2}}\n';
  const logprobs = '"logprobs":[{"token":7,"logprob":-1,"top":[]}],"promptLogprobs":[]';
  t.is(
    printed(),
    `{"index":0,"sample":0,${before},"text":null,${middle},${logprobs},${after}` +
      `{"index":1,"sample":0,${before},"text":"b","finishReason":"stop","stopReason":".","fingerprint":"f",${after}`,
  );
});

test('a failed request has its line in its place, and the others continue', (t) => {
  const { printer, token, end, fail, printed } = printing();
  token(0, 0, 'a');
  fail(1);
  end(2, 0, 'c');
  t.is(printed(), 'a');
  end(0, 0, 'a');
  t.is(printed(), '\n[second: no room]c\n');
  printer.end();
  t.is(printed(), '');
  // Both of its samples are done.
  t.deepEqual([printer.numDone, printer.numSamples, printer.numFailed], [4, 4, 1]);
  const json = printing({ json: true });
  json.fail(0);
  t.is(json.printed(), '{"index":0,"error":"no room"}\n');
});

test('a sample cancelled before its first token prints nothing, one cancelled later is printed', (t) => {
  for (const json of [false, true]) {
    const { printer, result, printed } = printing({ json });
    result(0, 0, { tokens: [], text: '', finishReason: 'abort' });
    t.deepEqual([printed(), printer.numDone], ['', 1]);
    result(1, 0, { tokens: [7], text: 'a', finishReason: 'abort' });
    t.is(printed().length > 0, true);
    // A request for the prompt's log-probabilities only.
    result(1, 1, { tokens: [], text: '', finishReason: 'length' });
    t.is(printed().length > 0, true);
  }
});

test('at the end all generated text is printed, even if earlier samples never started', (t) => {
  const { printer, result, printed } = printing();
  result(0, 0, { tokens: [], text: '', finishReason: 'abort' });
  result(2, 0, { text: 'c', finishReason: 'abort' });
  t.is(printed(), '');
  printer.end();
  t.is(printed(), 'c\n');
});
