import { setImmediate } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { NoAnswerError, NotSupportedError, SubjectError } from '../../../../verify/errors.ts';
import { EngineSession } from '../../../../verify/protocol/session.ts';
import { misbehaving } from '../../../support/adapters/misbehaving-command.ts';
import { trackResources } from '../../../support/processes/cleanup.ts';

trackResources(test);

/** A program that answers each line with the next line of a script; `ID` stands for the id of the request. */
function scripted(t: ExecutionContext, ...answers: string[]): EngineSession {
  const cases = answers.map(
    (answer) => `read -r line; id=\${line#*\\"id\\":\\"}; id=\${id%%\\"*}; ${answer}`,
  );
  const session = new EngineSession(['sh', '-c', [...cases, 'cat >&2'].join('\n')]);
  t.teardown(() => session.close(10_000));
  return session;
}
const say = (json: string) => `printf '${json.replace('ID', '%s')}\\n' "$id"`;
const load = (session: EngineSession, limitMs = 60_000) =>
  session.request('load', { model: '/m' }, { asked: 'load of /m', limitMs });

test('an answer goes to the request that has its id', async (t) => {
  const session = scripted(t, say('{"type":"loaded","id":"ID"}'));
  t.deepEqual(await load(session), { type: 'loaded', id: 'r1' });
});

test('an answer that is no result is an error of its own class', async (t) => {
  const session = scripted(
    t,
    say('{"type":"skipped","id":"ID","reason":"too large"}'),
    say('{"type":"error","id":"ID","message":"no file"}'),
    say('{"type":"tokenized","id":"ID","ids":[1]}'),
    say('{"type":"loaded","id":"ID","more":1}'),
    'echo oops >&2; exit 2',
  );
  for (const [instanceOf, message] of [
    [NotSupportedError, 'load of /m: skipped: too large'],
    [SubjectError, 'load of /m: the engine answers: no file'],
    [SubjectError, 'load of /m: the answer is tokenized; expected loaded, skipped or error'],
    [SubjectError, 'load of /m: the answer loaded is not as its schema says: Unrecognized key: "more"'],
    [
      NoAnswerError,
      'load of /m: no answer: the program ended with exit code 2; standard error ends:\n  | oops',
    ],
    [
      NoAnswerError,
      'load of /m: was not asked: the program ended with exit code 2; standard error ends:\n  | oops',
    ],
  ] as const) {
    await t.throwsAsync(load(session), { instanceOf, message });
  }
});

test('a program that has ended refuses any number of requests, and lets none of them wait', async (t) => {
  const session = scripted(t, 'exit 2');
  session.maxConcurrency = 2;
  await t.throwsAsync(load(session), { message: /no answer: the program ended with exit code 2/ });
  for (let asked = 1; asked <= 5; asked++) {
    const outcome = load(session).then(String, String);
    const first = await Promise.race([outcome, setImmediate('it waits for a slot')]);
    t.regex(first, /was not asked: the program ended with exit code 2/, `request ${asked} after the end`);
  }
});

test('every answer, of whatever kind, lets the next request be sent', async (t) => {
  const session = scripted(
    t,
    say('{"type":"loaded","id":"ID"}'),
    say('{"type":"error","id":"ID","message":"no file"}'),
    say('{"type":"skipped","id":"ID","reason":"too large"}'),
    say('{"type":"loaded","id":"ID","more":1}'),
    say('{"type":"loaded","id":"ID"}'),
  );
  const outcomes = await Promise.allSettled(Array.from({ length: 5 }, () => load(session)));
  t.deepEqual(
    outcomes.map(({ status }) => status),
    ['fulfilled', 'rejected', 'rejected', 'rejected', 'fulfilled'],
  );
});

test('blank lines are no answers and no faults', async (t) => {
  const session = scripted(t, `printf ' \\n\\n'; ${say('{"type":"loaded","id":"ID"}')}`);
  t.like(await load(session), { type: 'loaded' });
});

test('a session that is closed answers no more, and rejects what is in flight', async (t) => {
  const session = new EngineSession(misbehaving('hang-at-start'));
  // This program answers a load, even before the session is closed if the machine is busy.
  const inFlight = session.request('start', { protocol: 1 }, { asked: 'start', limitMs: 60_000 });
  const queued = load(session);
  await setImmediate();
  const closing = session.close(60_000);
  await t.throwsAsync(inFlight, { instanceOf: NoAnswerError, message: /no answer: the session was closed/ });
  await t.throwsAsync(queued, {
    instanceOf: NoAnswerError,
    message: /was not asked: the session was closed/,
  });
  await closing;
  await t.notThrowsAsync(session.close(60_000));
});

test('a session that has nothing in flight ends in order', async (t) => {
  const session = new EngineSession(['sh', '-c', 'read -r line; echo "$line" >&2; cat']);
  await session.close(60_000);
  await t.throwsAsync(load(session), {
    instanceOf: NoAnswerError,
    message:
      'load of /m: was not asked: the session is closed; standard error ends:\n  | {"type":"stop","id":"r1"}',
  });
});
