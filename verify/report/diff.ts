import type { Verdict } from '../verdict.ts';
import { formatFigure, headline, terminalLine } from './words.ts';

/** What became different between two verdicts. */
export interface VerdictDiff {
  /** Things that are worse in the new verdict. */
  readonly worse: readonly string[];
  readonly better: readonly string[];
  /** Neither: cases that only one of them has, another class, another reference. */
  readonly other: readonly string[];
}

const RANK = { right: 0, unknown: 1, wrong: 2 } as const;
const BUG_RANK = { 'ruled out': 0, 'cannot tell': 1, found: 2 } as const;

/** Compares two verdicts by case ids and names of bugs, which are stable. */
export function diffVerdicts(before: Verdict, after: Verdict): VerdictDiff {
  const changes = { worse: [] as string[], better: [] as string[], other: [] as string[] };
  const note = (what: string, was: string, is: string, rank: Readonly<Record<string, number>>) => {
    if (was === is) return;
    const [from, to] = [rank[was], rank[is]];
    const list = to > from ? changes.worse : to < from ? changes.better : changes.other;
    list.push(`${what}: ${was} → ${is}`);
  };
  note('verdict', before.verdict, after.verdict, RANK);
  if (before.precision.class !== after.precision.class) {
    changes.other.push(`precision: ${describeClass(before)} → ${describeClass(after)}`);
  }
  if (before.reference.kind !== after.reference.kind) {
    changes.other.push(`reference: ${before.reference.kind} → ${after.reference.kind}`);
  }
  const bugs = pairs(before.bugs, after.bugs, (bug) => bug.name);
  for (const { key, was, is } of bugs) {
    if (was && is) note(`bug "${key}"`, was.verdict, is.verdict, BUG_RANK);
    else changes.other.push(`bug "${key}" is only in the ${was ? 'old' : 'new'} verdict`);
  }
  for (const { key, was, is } of pairs(before.cases, after.cases, (each) => each.id)) {
    if (was && is) note(`case ${key}`, was.verdict, is.verdict, RANK);
    else changes.other.push(`case ${key} is only in the ${was ? 'old' : 'new'} verdict`);
  }
  return changes;
}

function describeClass({ precision }: Verdict): string {
  return `${precision.class ?? 'not checked'} (ratio ${formatFigure(precision.ratio)})`;
}

function pairs<T>(before: readonly T[], after: readonly T[], keyOf: (item: T) => string) {
  const [old, now] = [before, after].map((items) => new Map(items.map((item) => [keyOf(item), item])));
  return [...new Set([...old.keys(), ...now.keys()])].map((key) => ({
    key,
    was: old.get(key),
    is: now.get(key),
  }));
}

/** A comparison for a terminal. */
export function renderDiff(before: Verdict, after: Verdict): string {
  const { worse, better, other } = diffVerdicts(before, after);
  const block = (title: string, lines: readonly string[]) =>
    lines.length > 0 ? [`${title}:`, ...lines.map((line) => `  ${line}`)] : [];
  const lines = [
    `old  ${headline(before)}`,
    `new  ${headline(after)}`,
    ...block('worse', worse),
    ...block('better', better),
    ...block('other', other),
  ];
  if (worse.length + better.length + other.length === 0) lines.push('no difference');
  return `${lines.map(terminalLine).join('\n')}\n`;
}
