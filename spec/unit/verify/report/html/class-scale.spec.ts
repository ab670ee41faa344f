import test from 'ava';
import { renderClassScale } from '../../../../../verify/report/html/class-scale.ts';
import { RIGHT, UNKNOWN } from '../../../../support/verify/sample-verdicts.ts';

test('classes stand in the order of their noise, the found one with a sign', (t) => {
  const html = renderClassScale(RIGHT.precision);
  const marks = [...html.matchAll(/left:([\d.]+)%" title="[^"]*">(?:<br>)?(f32|f16|bf16|8bit|4bit)( ✓)?</g)];
  t.deepEqual(
    marks.map(([, , name]) => name),
    ['f32', 'f16', 'bf16', '8bit', '4bit'],
  );
  const places = marks.map(([, left]) => Number(left));
  t.deepEqual(
    places,
    places.toSorted((a, b) => a - b),
  );
  t.deepEqual(
    marks.filter(([, , , sign]) => sign).map(([, , name]) => name),
    ['bf16'],
  );
  t.true(
    html.includes('bf16: the error of the subject is 1.04 times its noise of 0.045 nats, which explains it'),
  );
  t.regex(html, /title="4bit: [^"]* 1\.56 nats, which explains it; too large to judge by on this model"/);
});

test('names that would cover each other stand at two heights', (t) => {
  t.regex(renderClassScale(RIGHT.precision), />bf16 ✓<[\s\S]*><br>8bit</);
});

test('the subject stands beside the class whose noise it has', (t) => {
  const html = renderClassScale(RIGHT.precision);
  const subject = Number(/class="subject" style="left:([\d.]+)%/.exec(html)![1]);
  const bf16 = Number(/class="class found" style="left:([\d.]+)%/.exec(html)![1]);
  t.true(Math.abs(subject - bf16) < 1);
});

/** Where names stand, in percent of the scale, with `<br>` for those that go lower; then the subject. */
function placesOf(...classes: [name: string, ratio: number | null][]): string[] {
  const html = renderClassScale({
    ...RIGHT.precision,
    class: 'none',
    classes: classes.map(([name, ratio]) => ({ ...RIGHT.precision.classes[0], class: name as 'f32', ratio })),
  });
  return [...html.matchAll(/left:([-\d.]+)%"[^>]*>(<br>)?(\w+)/g)].map(
    ([, left, lower = '', name]) => `${name} ${lower}${left}`,
  );
}

test('the scale reaches from the most exact of subject and classes to the least', (t) => {
  t.deepEqual(placesOf(['f32', 100], ['bf16', 10]), ['f32 0', 'bf16 50', 'subject 100']);
  t.deepEqual(placesOf(['bf16', 0.1], ['4bit', 0.01]), ['bf16 50', '4bit 100', 'subject 0']);
  t.deepEqual(placesOf(['f32', 10], ['4bit', 0.1]), ['f32 0', '4bit 100', 'subject 50']);
  t.deepEqual(placesOf(['bf16', 1]), ['bf16 0', 'subject 0'], 'a scale of one place');
  t.deepEqual(placesOf(['f32', null], ['f16', 0], ['bf16', 10]), ['bf16 0', 'subject 100']);
});

test('of names nearer than nine percent the second goes lower, and a third stands above again', (t) => {
  const names = (...percents: number[]) =>
    placesOf(['f32', 100], ...percents.map((at): [string, number] => ['bf16', 10 ** (2 - at / 50)]));
  t.deepEqual(names(8.9, 9.1), ['f32 0', 'bf16 <br>8.9', 'bf16 9.1', 'subject 100']);
  t.deepEqual(names(9.1, 18), ['f32 0', 'bf16 9.1', 'bf16 <br>18', 'subject 100']);
});

test('a precision that was not checked has no scale', (t) => {
  t.is(renderClassScale(UNKNOWN.precision), '');
});
