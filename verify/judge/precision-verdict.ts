import { PRECISION_CLASSES, type PrecisionClass } from '../precision.ts';
import type { AlignedRow } from './align.ts';
import type { ClassNoise } from './class-noise.ts';
import type { ClassRatio, PrecisionException, PrecisionVerdict } from './judgement.ts';
import { median, rms } from './statistics.ts';

/**
 * The largest ratio of an honest engine's noise to the imitations', in the median over rows. At f32 it is
 * larger: only one other order of additions is imitated, and engines add in many.
 */
export const HONEST_RATIO: Readonly<Record<PrecisionClass, number>> = Object.freeze({
  f32: 4,
  f16: 2,
  bf16: 2,
  '8bit': 2,
  '4bit': 2,
});
/** The same for adjacent rows of a case, a smaller sample: a router's flip changes later rows as well. */
const WINDOW = 8;
const WINDOW_FACTOR = 2.5;
/** Where a class's noise is larger, in nats, a broken engine can look like one of the class. */
const JUDGEABLE_NOISE = 0.5;
/** A subject makes an imitation's roundings if its distance to it is at most this fraction of its error. */
const SAME_ROUNDINGS = 0.7;
/** An imitation this near stands for the truth where noise is large: adjacent rows are then held to it. */
const TWIN_ROUNDINGS = 0.5;
const TWIN_RATIO = 1;

/**
 * Which class's noise explains the subject's errors.
 *
 * A class holds if the median ratio of error to noise is at most {@link HONEST_RATIO} and no {@link WINDOW}
 * adjacent rows have a median above {@link WINDOW_FACTOR} times that. Of the classes that hold, the subject
 * is in the one whose imitation makes the same roundings, or else in the one whose noise is nearest to its
 * error.
 *
 * @param demanded the class that `ratio` and `exceptions` are about; default the class found, or else the
 * nearest one whose noise is small enough to judge by.
 */
export function judgePrecision(
  rows: readonly AlignedRow[],
  noise: ClassNoise,
  demanded?: PrecisionClass,
): PrecisionVerdict {
  const ratios = new Map(noise.classes.map((name) => [name, ratiosOf(rows, noise.noise.get(name)!)]));
  const twin = nearestImitation(rows, noise);
  const classes = noise.classes.map((name): ClassRatio => {
    const own = ratios.get(name)!;
    const level = median(noise.noise.get(name)!);
    const ratio = median(own);
    const judgeable = level <= JUDGEABLE_NOISE;
    const explained = ratio <= HONEST_RATIO[name] && exceptions(rows, own, worstRatio(name)).length === 0;
    const holds = explained && (judgeable || isTwin(rows, noise.noise.get(name)!, twin, name));
    return { class: name, ratio, noise: level, judgeable, holds };
  });
  const distance = ({ ratio }: ClassRatio) => Math.abs(Math.log(ratio));
  const nearest = (some: readonly ClassRatio[]) =>
    some.reduce<ClassRatio | undefined>(
      (best, one) => (best && distance(best) <= distance(one) ? best : one),
      undefined,
    );
  const holding = classes.filter(({ holds }) => holds);
  const found = holding.find(({ class: name }) => name === twin?.precision) ?? nearest(holding);
  const about =
    demanded ??
    found?.class ??
    (nearest(classes.filter(({ judgeable }) => judgeable)) ?? nearest(classes)!).class;
  return {
    class: found?.class ?? 'none',
    ratio: median(ratios.get(about)!),
    ...(demanded ? { demanded } : {}),
    classes,
    about,
    exceptions: exceptions(rows, ratios.get(about)!, worstRatio(about)),
  };
}

/** What decides whether a subject's class is right. */
export interface ClassFound {
  readonly class: PrecisionClass | 'none';
  readonly demanded?: PrecisionClass;
  readonly classes: readonly Pick<ClassRatio, 'class' | 'holds'>[];
}

/** Whether a class was found, and the demanded one holds or is no more exact than the one found. */
export function isClassRight({ class: found, demanded, classes }: ClassFound): boolean {
  if (!demanded) return found !== 'none';
  if (classes.some(({ class: name, holds }) => name === demanded && holds)) return true;
  return found !== 'none' && PRECISION_CLASSES.indexOf(found) <= PRECISION_CLASSES.indexOf(demanded);
}

/** The median ratio of adjacent rows that a class still explains. */
export function worstRatio(name: PrecisionClass): number {
  return WINDOW_FACTOR * HONEST_RATIO[name];
}

/** The subject's RMS error of each row over the class's noise. */
export function ratiosOf(rows: readonly AlignedRow[], noise: readonly number[]): number[] {
  return rows.map(({ error }, r) => rms(error) / noise[r]);
}

/** The imitation that a subject is nearest to. */
interface Twin {
  readonly precision: PrecisionClass;
  /** Median distance of its rows to the imitation's, as a fraction of that to the truth. */
  readonly relative: number;
  /** By row: RMS of what is left of the subject's error. */
  readonly left: readonly number[];
}

function nearestImitation(rows: readonly AlignedRow[], { starts, errors }: ClassNoise): Twin | undefined {
  const whole = median(rows.map(({ error }) => rms(error)));
  let best: Twin | undefined;
  for (const [{ precision }, imitated] of errors) {
    const left = rows.map(({ error }, r) => distanceOf(error, imitated, starts[r]));
    const relative = median(left) / whole;
    if (relative < (best?.relative ?? SAME_ROUNDINGS)) best = { precision, relative, left };
  }
  return best;
}

/** RMS distance of a row's values to those that stand from `begin` on. */
function distanceOf(values: Float64Array, others: Float64Array, begin: number): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += (values[i] - others[begin + i]) ** 2;
  return Math.sqrt(sum / values.length);
}

/** Whether a subject follows an imitation of a class through all of its rows. */
function isTwin(
  rows: readonly AlignedRow[],
  noise: readonly number[],
  twin: Twin | undefined,
  name: PrecisionClass,
): boolean {
  if (twin?.precision !== name || twin.relative > TWIN_ROUNDINGS) return false;
  return (
    exceptions(
      rows,
      twin.left.map((left, r) => left / noise[r]),
      TWIN_RATIO,
    ).length === 0
  );
}

/** Runs of adjacent rows that the class's noise does not explain. */
function exceptions(
  rows: readonly AlignedRow[],
  ratios: readonly number[],
  most: number,
): PrecisionException[] {
  const byCase = Map.groupBy(rows.keys(), (r) => rows[r].case);
  return [...byCase].flatMap(([id, indices]) => {
    const inOrder = indices.sort((a, b) => rows[a].position - rows[b].position);
    const length = Math.min(WINDOW, inOrder.length);
    const broken = new Set<number>();
    for (let begin = 0; begin + length <= inOrder.length; begin++) {
      const window = inOrder.slice(begin, begin + length);
      if (median(window.map((r) => ratios[r])) > most) for (const r of window) broken.add(r);
    }
    // A window reaches over its median: rows at its ends may be right.
    const worst = inOrder.filter((r) => broken.has(r) && ratios[r] > most);
    if (worst.length === 0) return [];
    return [
      {
        case: id,
        firstPosition: rows[worst[0]].position,
        lastPosition: rows[worst.at(-1)!].position,
        ratio: median(worst.map((r) => ratios[r])),
      },
    ];
  });
}
