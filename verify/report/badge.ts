import type { Verdict } from '../verdict.ts';

const COLORS: Readonly<Record<Verdict['verdict'], string>> = {
  right: 'brightgreen',
  wrong: 'red',
  unknown: 'lightgrey',
};

/** A badge as shields.io's endpoint takes it: https://shields.io/badges/endpoint-badge */
export function renderBadge({ verdict, precision }: Verdict): string {
  const precisionClass = precision.class === null || precision.class === 'none' ? '' : ` ${precision.class}`;
  const message = verdict === 'right' ? `right${precisionClass}` : verdict;
  return `${JSON.stringify({ schemaVersion: 1, label: 'plumbline', message, color: COLORS[verdict] })}\n`;
}
