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

test('a precision that was not checked has no scale', (t) => {
  t.is(renderClassScale(UNKNOWN.precision), '');
});
