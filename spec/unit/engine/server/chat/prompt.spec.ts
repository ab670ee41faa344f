import test from 'ava';
import { toApiError } from '../../../../../engine/server/api-error.ts';
import { chatPromptOf } from '../../../../../engine/server/chat/prompt.ts';
import { templateTraits } from '../../../../../engine/server/chat/template-traits.ts';

const messages = [{ role: 'user', content: 'hi' }];
const tools = [{ type: 'function' as const, function: { name: 'f', parameters: { b: 1.5, a: [] } } }];
const traits = { ...templateTraits(), rendersTools: true };

test('the prompt ends as the request says', (t) => {
  const end = (fields: object) => {
    const { addGenerationPrompt, continueFinalMessage, enableThinking } = chatPromptOf(
      { messages, ...fields },
      traits,
    );
    return [addGenerationPrompt, continueFinalMessage, enableThinking];
  };
  t.deepEqual(end({ add_generation_prompt: false }), [false, false, undefined]);
  t.deepEqual(end({ continue_final_message: true }), [false, true, undefined]);
  t.deepEqual(end({ continue_final_message: true, add_generation_prompt: false }), [false, true, undefined]);
  t.deepEqual(end({ chat_template_kwargs: { enable_thinking: false } }), [true, false, false]);
  t.deepEqual(end({ chat_template_kwargs: {} }), [true, false, undefined]);
});

test('tools are rendered as they were sent; none at all for an empty array', (t) => {
  t.is(chatPromptOf({ messages, tools }, traits).toolsJson, JSON.stringify(tools));
  t.is(chatPromptOf({ messages, tools }, traits, '[1.0]').toolsJson, '[1.0]');
  t.false('toolsJson' in chatPromptOf({ messages, tools: [] }, traits));
  const error = t.throws(() => chatPromptOf({ messages, tools }, templateTraits()));
  t.like(toApiError(error), { status: 400, param: 'tools' });
});
