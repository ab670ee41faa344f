import test from 'ava';
import { templateTraits } from '../../../../../engine/server/chat/template-traits.ts';
import { readChatTemplates } from '../../../../../engine/text/chat.ts';
import { QWEN3_TOKENIZER_DIR } from '../../../../support/models/tokenizer.ts';

test("Qwen3's template thinks, renders tools, and has calls as JSON", async (t) => {
  const { sources } = await readChatTemplates(QWEN3_TOKENIZER_DIR);
  t.deepEqual(templateTraits(sources), {
    hasThinking: true,
    rendersTools: true,
    hasToolCalls: true,
    takesArgumentsAsJson: true,
  });
});

test('a template without tags has no traits', (t) => {
  const none = { hasThinking: false, rendersTools: false, hasToolCalls: false, takesArgumentsAsJson: false };
  t.deepEqual(templateTraits(undefined), none);
  t.deepEqual(templateTraits(new Map([['default', '{{ messages[0].content }}']])), none);
});

test('calls that are written otherwise than as JSON are not looked for', (t) => {
  // As Qwen3-Coder and Qwen2.5 have it.
  const coder =
    '{% for tool in tools %}{% endfor %}<tool_call>\n<function=f>\n{{ tool_call.arguments|items }}';
  t.like(templateTraits(new Map([['default', coder]])), { rendersTools: true, hasToolCalls: false });
  const qwen25 = `{{ tools }}<tool_call>\\n{\\"name\\": <function-name>, \\"arguments\\": <args-json-object>}`;
  const llama = `{{ tools }}{"name": function name, "arguments": dictionary}{{ call.arguments is mapping }}`;
  t.like(templateTraits(new Map([['default', llama]])), { hasToolCalls: false, takesArgumentsAsJson: false });
  const { hasToolCalls, takesArgumentsAsJson } = templateTraits(new Map([['default', qwen25]]));
  t.deepEqual({ hasToolCalls, takesArgumentsAsJson }, { hasToolCalls: true, takesArgumentsAsJson: false });
});
