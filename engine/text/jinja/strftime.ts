import { TemplateFailure } from './failure.ts';

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];

type Directive = (date: Date) => string | number;

/** Directives whose number `%-` writes without its zeros, each with its width. */
const NUMBERS: Readonly<Record<string, readonly [width: number, value: (date: Date) => number]>> = {
  d: [2, (date) => date.getDate()],
  m: [2, (date) => date.getMonth() + 1],
  y: [2, (date) => date.getFullYear() % 100],
  Y: [4, (date) => date.getFullYear()],
  H: [2, (date) => date.getHours()],
  I: [2, (date) => date.getHours() % 12 || 12],
  M: [2, (date) => date.getMinutes()],
  S: [2, (date) => date.getSeconds()],
  j: [3, (date) => dayOfYear(date)],
  f: [6, (date) => date.getMilliseconds() * 1000],
};

const TEXTS: Readonly<Record<string, Directive>> = {
  a: (date) => DAYS[date.getDay()].slice(0, 3),
  A: (date) => DAYS[date.getDay()],
  b: (date) => MONTHS[date.getMonth()].slice(0, 3),
  B: (date) => MONTHS[date.getMonth()],
  h: (date) => MONTHS[date.getMonth()].slice(0, 3),
  p: (date) => (date.getHours() < 12 ? 'AM' : 'PM'),
  w: (date) => date.getDay(),
  u: (date) => date.getDay() || 7,
  // A local time without a zone has neither offset nor name in Python.
  z: () => '',
  Z: () => '',
  c: (date) => strftime(date, `%a %b ${String(date.getDate()).padStart(2)} %H:%M:%S %Y`),
  e: (date) => String(date.getDate()).padStart(2),
  x: (date) => strftime(date, '%m/%d/%y'),
  D: (date) => strftime(date, '%m/%d/%y'),
  X: (date) => strftime(date, '%H:%M:%S'),
  T: (date) => strftime(date, '%H:%M:%S'),
  R: (date) => strftime(date, '%H:%M'),
  F: (date) => strftime(date, '%Y-%m-%d'),
  n: () => '\n',
  t: () => '\t',
  '%': () => '%',
};

/**
 * Python's `datetime.strftime` in the C locale, in which servers run.
 *
 * @throws TemplateFailure for a directive that is not known here.
 */
export function strftime(date: Date, format: string): string {
  return format.replace(/%(-?)([\s\S]?)/g, (directive, minus: string, letter: string) => {
    const number = NUMBERS[letter];
    if (number) {
      const [width, value] = number;
      return String(value(date)).padStart(minus ? 0 : width, '0');
    }
    if (minus || !Object.hasOwn(TEXTS, letter)) {
      throw new TemplateFailure(`strftime_now: ${directive} is not supported by this engine`);
    }
    return String(TEXTS[letter](date));
  });
}

function dayOfYear(date: Date): number {
  const days =
    Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) - Date.UTC(date.getFullYear(), 0, 1);
  return days / 86_400_000 + 1;
}
