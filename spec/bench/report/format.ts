import type { Figure } from '../figure.ts';

/** Three digits, or all before the point: `0.0123`, `1.23`, `12.3`, `1234`. */
export function formatNumber(value: number): string {
  if (Math.abs(value) >= 100) return value.toFixed(0);
  return String(Number(value.toPrecision(3)));
}

/** @returns e.g. `45 %`. */
export function formatPercent(part: number): string {
  return `${formatNumber(100 * part)} %`;
}

/** @returns e.g. `1.59×`. */
export function formatTimes(times: number): string {
  return `${formatNumber(times)}×`;
}

/** The best sample there was. */
export function bestOf({ better, summary }: Figure): number {
  return better === 'higher' ? summary.max : summary.min;
}
