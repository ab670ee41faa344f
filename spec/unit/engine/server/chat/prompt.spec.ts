import test from 'ava';
import { toApiError } from '../../../../../engine/server/api-error.ts';
import { chatPromptOf } from '../../../../../engine/server/chat/prompt.ts';
import { templateTraits } from '../../../../../engine/server/chat/template-traits.ts';

const messages = [{ role: 'user', content: 'hi' }];
const tools = [{ type: 'function' as const, function: { name: 'f', parameters: { b: 1.5, a: [] } } }];
const traits = { ...templateTraits(), rendersTools: true };

test('the prompt ends as the request says', (t) => {
  const prompt = { messages, argumentsAsJson: false, addGenerationPrompt: true, continueFinalMessage: false };
  const continued = { ...prompt, addGenerationPrompt: false, continueFinalMessage: true };
  for (const [fields, expected] of [
    [{}, prompt],
    [{ add_generation_prompt: null, continue_final_message: null, chat_template_kwargs: null }, prompt],
    [{ add_generation_prompt: true, continue_final_message: false }, prompt],
    [{ add_generation_prompt: false }, { ...prompt, addGenerationPrompt: false }],
    [{ continue_final_message: true }, continued],
    [{ continue_final_message: true, add_generation_prompt: false }, continued],
    [{ chat_template_kwargs: { enable_thinking: false } }, { ...prompt, enableThinking: false }],
    [{ chat_template_kwargs: { enable_thinking: true } }, { ...prompt, enableThinking: true }],
    [{ chat_template_kwargs: { enable_thinking: null } }, prompt],
    [{ chat_template_kwargs: {} }, prompt],
  ]) {
    t.deepEqual(chatPromptOf({ messages, ...fields }, traits) as object, expected, JSON.stringify(fields));
  }
  const asJson = chatPromptOf({ messages }, { ...traits, takesArgumentsAsJson: true });
  t.deepEqual(asJson as object, { ...prompt, argumentsAsJson: true });
});

test('tools are rendered as they were sent; none at all for an empty array', (t) => {
  t.is(chatPromptOf({ messages, tools }, traits).toolsJson, JSON.stringify(tools));
  t.is(chatPromptOf({ messages, tools }, traits, '[1.0]').toolsJson, '[1.0]');
  t.false('toolsJson' in chatPromptOf({ messages, tools: [] }, traits));
  t.notThrows(() => chatPromptOf({ messages, tools: [] }, templateTraits()));
  const error = t.throws(() => chatPromptOf({ messages, tools }, templateTraits()), {
    message: 'cannot serve tools: the chat template of the model does not render them; leave them out',
  });
  t.like(toApiError(error), { status: 400, param: 'tools' });
});
