import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { GOLDEN_FOLDER } from '../../../golden/goldens.ts';
import { BUGS } from '../../../verify/signatures/bugs.ts';
import { MUTANTS } from '../mutants/mutants.ts';
import { SERVING_MUTANTS } from '../mutants/serving-mutants.ts';

/** Where a bug comes from. */
export type PowerTable = 'control' | 'mutant' | 'serving' | 'signature';

/** A broken engine of the matrix. */
export interface PowerRow {
  readonly table: PowerTable;
  /** Its name in that table. */
  readonly name: string;
  readonly model: string;
  /** Names of `verify/signatures/bugs.ts` that say what it is. */
  readonly signatures: readonly string[];
}

/** Those whose right answers are small enough to be computed in a minute. */
const CONTROL_MODELS = ['dense', 'moe', 'moe-nonorm', 'outliers'] as const;
const SERVED_CONTROL = 'no bug, served together';

/** Whether the engine serves its requests together, in few blocks. */
export function isServed({ table, name }: PowerRow): boolean {
  return table === 'serving' || name === SERVED_CONTROL;
}

/** The signatures that say what a mutant is; a mutant that is not listed has none. */
const SIGNATURES_OF_MUTANTS: Readonly<Record<string, readonly string[]>> = {
  'one layer is removed': ['last-layer-missing'],
  'the norms of q and k are swapped': ['qk-norms-swapped'],
  'q is normed after RoPE': ['q-norm-after-rope'],
  'k is not normed': ['k-norm-missing'],
  'RoPE rotates interleaved pairs': ['rope-interleaved'],
  'RoPE turns the other way': ['rope-reversed'],
  'v is rotated too': ['rope-on-values'],
  'theta is the default in place of the configured one': ['rope-theta-10000'],
  'the theta of rope_parameters is not read': ['rope-theta-10000'],
  'eps is the default in place of the configured one': ['eps-1e-6', 'eps-tenth'],
  'key/value heads are mapped by remainder': ['key-value-heads-by-remainder'],
  'attention is not causal': ['attention-not-causal'],
  'a token does not see itself': ['own-key-missing'],
  'decode begins one position too late': ['decode-position-late'],
  'decode begins one position too early': ['decode-position-early'],
  'the cache wraps around at a block': ['cache-wraps-at-block'],
  'scores are not scaled': ['scores-not-scaled'],
  'scores are scaled by the hidden size': ['scores-scaled-by-hidden-size'],
  'gate and up are swapped': ['gate-and-up-swapped'],
  'the residual around attention is dropped': ['attention-residual-missing'],
  'the residual around the MLP is taken after the norm': ['mlp-residual-after-norm'],
  'the last norm is skipped': ['final-norm-missing'],
  'an untied head is taken from the embedding': ['head-from-embedding'],
  'a tied head is not tied and stays empty': ['logits-constant'],
  'the chosen experts are not renormalised': ['experts-not-renormalised'],
  'the chosen experts are renormalised where they should not be': ['experts-renormalised'],
  'one expert too few is chosen': ['one-expert-too-few'],
  'the least probable experts are chosen': ['router-negated'],
  'the logits are constant': ['logits-constant'],
  'the logits of the last but one row are returned': ['rows-one-late'],
  'weights are truncated to bfloat16': ['weights-truncated-to-bf16'],
};

/** Bugs that are nearly the same change of a fixture: eps of `dense` is 3e-5. */
const ALIKE: readonly string[] = ['eps-tenth', 'eps-1e-6'];

function signaturesOfBug(name: string): readonly string[] {
  return ALIKE.includes(name) ? ALIKE : [name];
}

/**
 * Mutants of serving that greedy answers without penalties cannot show: what they get wrong is never asked.
 */
const NOT_ASKED: Readonly<Record<string, string>> = {
  'requests share one stream of random numbers': 'the judge asks greedily: no random number is drawn',
  'samples of a request draw the same random numbers': 'the judge asks for one greedy sample',
  'requests share the counts of generated tokens': 'the judge asks without penalties',
  'a penalty counts tokens of the prompt twice': 'the judge asks without penalties',
  'a penalty is left in the logits for others to see': 'the judge asks without penalties',
  'shared blocks are written without a copy': 'only samples of one request share a block that they write to',
  'a copied block stays empty': 'only samples of one request copy blocks',
  'only the keys of a block are copied': 'only samples of one request copy blocks',
};

/** Why a bug changes no answer that the judge asks for; undefined if it does. */
export function whyUnseen({ name }: Pick<PowerRow, 'name'>): string | undefined {
  if (name === 'positions-from-1') return 'rotary positions are relative: nothing changes';
  return NOT_ASKED[name];
}

/** In this order, the models that a bug of the judge's is looked for in. */
const MODELS = ['dense', 'moe', 'moe-nonorm', 'peaked'] as const;
/** The largest row of a signature that is more than rounding, in nats. */
const SHOWS = 1e-3;

/** The first model in which a bug shows; where it shows in none, the first that can have it. */
export function modelOfBug(bug: string): string {
  const sizes = MODELS.map((model) => {
    const path = join(GOLDEN_FOLDER, model, 'signatures.json');
    const { bugs } = existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : { bugs: {} };
    return { model, largest: (bugs as Record<string, { largest: number } | undefined>)[bug]?.largest };
  });
  const having = sizes.filter(({ largest }) => largest !== undefined);
  return (having.find(({ largest }) => largest! >= SHOWS) ?? having[0] ?? sizes[0]).model;
}

/**
 * Every engine of the matrix: one without a bug for each model, the mutants of both tables, and the judge's
 * bugs.
 */
export function powerRows(): PowerRow[] {
  const broken = [
    ...MUTANTS.map(({ name, model }): PowerRow => {
      return { table: 'mutant', name, model, signatures: SIGNATURES_OF_MUTANTS[name] ?? [] };
    }),
    ...SERVING_MUTANTS.map(
      ({ name }): PowerRow => ({ table: 'serving', name, model: 'dense', signatures: [] }),
    ),
    ...BUGS.map(({ name }): PowerRow => {
      return { table: 'signature', name, model: modelOfBug(name), signatures: signaturesOfBug(name) };
    }),
  ];
  const control = (name: string, model: string): PowerRow => ({
    table: 'control',
    name,
    model,
    signatures: [],
  });
  return [
    ...CONTROL_MODELS.map((model) => control(`no bug, ${model}`, model)),
    control(SERVED_CONTROL, 'dense'),
    ...broken,
  ];
}
