import test from 'ava';
import { z } from 'zod';
import { answerOf, listModels, serverName } from '../../../../../../verify/adapters/http/dialects/models.ts';
import { NoAnswerError, SubjectError } from '../../../../../../verify/errors.ts';

test('the models of a server are listed with their owners', async (t) => {
  const ask = async () => ({
    object: 'list',
    data: [{ id: 'a', owned_by: 'vllm', max_model_len: 4 }, { id: 'b' }],
  });
  t.deepEqual(await listModels(ask), [
    { id: 'a', ownedBy: 'vllm' },
    { id: 'b', ownedBy: '' },
  ]);
  t.is(await listModels(async () => ({ data: [1] })), undefined);
});

test('a server that has the API of another is known by the owner of its models', (t) => {
  t.is(serverName([{ id: 'a', ownedBy: 'plumbline' }]), 'Plumbline');
  t.is(serverName([{ id: 'a', ownedBy: 'vllm' }]), undefined);
  t.is(serverName([]), undefined);
});

test('a refusal is no answer; a server that is away is an error', async (t) => {
  const failing = (error: Error) => async () => {
    throw error;
  };
  t.is(await answerOf(failing(new SubjectError('404')), '/x', z.string()), undefined);
  const away = new NoAnswerError('refused');
  t.is(await t.throwsAsync(answerOf(failing(away), '/x', z.string())), away);
});
