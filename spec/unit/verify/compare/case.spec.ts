import test from 'ava';
import { type Manifest, TOP } from '../../../../golden/schema.ts';
import { logSumExp, maxAbs } from '../../../../golden/tolerance.ts';
import { compareCase } from '../../../../verify/compare/case.ts';
import { NotSupportedError, SubjectError } from '../../../../verify/errors.ts';
import type { SubjectModel } from '../../../../verify/subject.ts';

import { type Answers, echo, golden, IDS, MANIFEST, rowOf, SIZES, tie } from './made-up-case.ts';

const compare = (change?: (mine: Answers) => void, loaded = golden(), manifest = MANIFEST) =>
  compareCase(loaded, manifest, SIZES, echo(loaded, change));

/** Where the first difference is: what, position, index. */
async function firstDifference(
  change: (mine: Answers) => void,
  loaded = golden(),
): Promise<(string | number)[] | undefined> {
  const first = (await compare(change, loaded)).differences.at(0);
  return first && [first.what, first.position, first.index];
}

test('answers of the reference pass', async (t) => {
  const { differences, ties, gave } = await compare();
  t.deepEqual([differences, ties, gave], [[], 0, { hidden: true, rows: true, steps: true }]);
});

test('a difference in a hidden state has its stage and its position in the prompt, before any logit', async (t) => {
  const place = (2 * IDS.length + 2) * SIZES.hiddenSize + 1;
  t.deepEqual(
    await firstDifference((mine) => {
      mine.hidden![place] += 1e-3;
      mine.rows[0][4] += 1;
    }),
    ['hidden_states.final', 2, 1],
  );
  t.is(
    await firstDifference((mine) => {
      mine.hidden![place] += 1e-6;
    }),
    undefined,
    'within the tolerance',
  );
});

test('a difference in a logit has its position, of the prompt and of every greedy step', async (t) => {
  for (const [row, position] of [
    [0, 0],
    [1, 2],
    [2, 3],
    [3, 4],
  ]) {
    t.deepEqual(
      await firstDifference((mine) => {
        mine.rows[row][4] += 2e-4;
      }),
      ['logits', position, 4],
    );
  }
  t.is(
    await firstDifference((mine) => {
      mine.rows[3][4] += 1e-5;
    }),
    undefined,
    'within the tolerance',
  );
});

test('a probability is held to bounds of its own', async (t) => {
  const loaded = golden();
  // Noise that lets the logits pass: four times 1e-3 of a maximum of 8.
  loaded.recorded.noise.logits = 1e-3;
  loaded.recorded.noise.logitsRms = 1;
  const [first] = (
    await compare((mine) => {
      mine.rows[1][11] += 0.03;
    }, loaded)
  ).differences;
  // The largest takes from all others: the first of them is named.
  t.deepEqual([first.what, first.position, first.index], ['probability', 2, 3]);
});

test('logits that are within bounds one by one may be too far from the truth together', async (t) => {
  const away = (mine: Answers) => {
    // 5e-5 in the direction away from the float64 truth: an RMS of 6e-5, where the reference has 1e-5.
    for (const [r, row] of mine.rows.entries()) {
      for (let id = 0; id < row.length; id++) row[id] += (r * SIZES.vocabSize + id) % 2 ? -5e-5 : 5e-5;
    }
  };
  t.deepEqual(await firstDifference(away), ['RMS distance', 0, 0]);
  const loaded = golden();
  loaded.recorded.noise.logitsRms = 4e-5;
  t.is(await firstDifference(away, loaded), undefined);
  delete loaded.tensors.logitsFloat64;
  loaded.recorded.noise.logitsRms = 0;
  t.is(await firstDifference(away, loaded), undefined, 'without a float64 twin there is no truth');
});

test('another greedy token is a difference, unless the margin is within the noise', async (t) => {
  t.deepEqual(
    await firstDifference((mine) => {
      mine.tokens[1] = 9;
    }),
    ['greedy token', 4, 1],
  );
  const { ties } = await compare((mine) => {
    mine.tokens[1] = 9;
  });
  t.is(ties, 0, 'a difference is no tie');
  const loaded = golden();
  tie(loaded, 3);
  const tied = await compare((mine) => {
    mine.tokens[1] = 9;
  }, loaded);
  t.deepEqual([tied.differences, tied.ties], [[], 1]);
  t.deepEqual(
    await firstDifference((mine) => {
      mine.tokens[1] = 10;
    }, loaded),
    ['greedy token', 4, 1],
    'a third one',
  );
});

test('steps after a token that differs are not compared: they continue another text', async (t) => {
  const loaded = golden();
  tie(loaded, 2);
  const { differences, ties } = await compare((mine) => {
    mine.tokens = [9, 33];
    mine.rows[3] = rowOf(33);
  }, loaded);
  t.deepEqual([differences, ties], [[], 1]);
  // The row that it was chosen from is still of the same text.
  const first = await firstDifference((mine) => {
    mine.tokens = [9, 33];
    mine.rows[2][4] += 1;
  }, loaded);
  t.deepEqual(first, ['logits', 3, 4]);
});

test('a subject is asked for hidden states and as many tokens as the golden has; errors are thrown', async (t) => {
  const loaded = golden();
  const calls: unknown[] = [];
  const model = echo(loaded);
  const { positions, greedy } = loaded.recorded;
  const { fingerprint } = await compareCase(loaded, MANIFEST, SIZES, {
    forward(request) {
      calls.push(request);
      return model.forward(request);
    },
    async generate(request) {
      calls.push(request);
      return { ...(await model.generate(request)), fingerprint: 'abc' };
    },
  });
  t.is(fingerprint, 'abc');
  t.deepEqual(calls, [
    { ids: IDS, positions, hidden: true },
    { ids: IDS, maxNewTokens: greedy.tokens.length },
  ]);
  const broken = new SubjectError('it broke');
  const forward = () => Promise.reject(broken);
  t.is(await t.throwsAsync(compareCase(loaded, MANIFEST, SIZES, { ...model, forward })), broken);
});

test('of a sampled vocabulary the sample and the largest logits of the row are compared', async (t) => {
  const vocabularySample = [0, 1, 2];
  const loaded = golden();
  const topIds = loaded.rows.map((row) => [...row.keys()].sort((a, b) => row[b] - row[a]).slice(0, TOP));
  const pick = (row: ArrayLike<number>, i: number) =>
    [...vocabularySample, ...topIds[i]].map((id) => row[id]);
  loaded.tensors.logits = Float32Array.from(loaded.rows.flatMap(pick));
  delete loaded.tensors.logitsFloat64;
  loaded.tensors.sampled = {
    topIds: Int32Array.from(topIds.flat()),
    rowMax: Float32Array.from(loaded.rows, maxAbs),
    logSumExp: Float64Array.from(loaded.rows, logSumExp),
  };
  const manifest = { ...MANIFEST, vocabularySample } as Manifest;
  const first = async (change: (mine: Answers) => void) =>
    (await compare(change, loaded, manifest)).differences.at(0)?.index;
  t.is(await first(() => {}), undefined);
  t.is(
    await first((mine) => {
      mine.rows[1][1] += 1e-3;
    }),
    1,
  );
  t.is(
    await first((mine) => {
      mine.rows[1][topIds[1][5]] += 1e-3;
    }),
    topIds[1][5],
  );
  const last = [...loaded.rows[3].keys()].find((id) => id > 2 && !topIds[3].includes(id))!;
  const { differences } = await compare(
    (mine) => {
      mine.tokens[1] = last;
    },
    loaded,
    manifest,
  );
  t.is(differences[0].what, 'greedy token', 'a token whose logit is not stored is no tie');
});

test('the comparison says whether hidden states and scores of the steps were given', async (t) => {
  const { differences, gave } = await compare((mine) => {
    mine.hidden = undefined;
    mine.steps = false;
  });
  t.deepEqual([differences, gave], [[], { hidden: false, rows: true, steps: false }]);
});

test('a subject that cannot be asked for scores is held to its greedy tokens', async (t) => {
  const loaded = golden();
  const model: SubjectModel = {
    ...echo(loaded, (mine) => {
      mine.steps = false;
    }),
    forward: async () => {
      throw new NotSupportedError('forward of "made-up": the engine gives tokens only');
    },
  };
  const { differences, gave } = await compareCase(loaded, MANIFEST, SIZES, model);
  t.deepEqual([differences, gave], [[], { hidden: false, rows: false, steps: false }]);
  const others = { ...model, generate: async () => ({ tokens: [11, 9] }) };
  t.is((await compareCase(loaded, MANIFEST, SIZES, others)).differences[0].what, 'greedy token');
});

test('NaN, infinities and other lengths are not compared but refused', async (t) => {
  const refused: Record<string, (mine: Answers) => void> = {
    'NaN in a logit': (mine) => {
      mine.rows[1][7] = Number.NaN;
    },
    'an infinite logit of a step': (mine) => {
      mine.rows[3][7] = Number.NEGATIVE_INFINITY;
    },
    'NaN in a hidden state': (mine) => {
      mine.hidden![0] = Number.NaN;
    },
    'a row that is short': (mine) => {
      mine.rows[0] = mine.rows[0].slice(1);
    },
    'a step that is missing': (mine) => {
      mine.rows.pop();
    },
    'a token that is missing': (mine) => {
      mine.tokens.pop();
    },
    'hidden states of another model': (mine) => {
      mine.hidden = mine.hidden!.slice(4);
    },
  };
  for (const [what, change] of Object.entries(refused)) {
    await t.throwsAsync(() => compare(change), { instanceOf: SubjectError }, what);
  }
});
