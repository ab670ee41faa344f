"""Stand-in of transformers 4.56 or newer: what examples/adapters/transformers uses."""
import json
from types import SimpleNamespace

import qwen3
from arrays import Array, concatenated

__version__ = "stand-in"


class Norm:
    """A module whose input can be looked at."""

    def __init__(self):
        self.hooks = []

    def register_forward_pre_hook(self, hook):
        self.hooks.append(hook)
        return SimpleNamespace(remove=lambda: self.hooks.remove(hook))


class Model:
    def __init__(self, directory):
        self.qwen3 = qwen3.Model(directory)
        self.model = SimpleNamespace(norm=Norm())

    def eval(self):
        return self

    def __call__(self, batch, past_key_values=None, use_cache=None, output_hidden_states=False):
        """
        logits [1, T, vocabulary]; hidden_states, as documented: the embedding and each layer's output, the last of them
        after the final norm, each [1, T, hidden].
        """
        cache = past_key_values or self.qwen3.cache()
        for token in batch[0]:
            if not 0 <= token < self.qwen3.vocab_size:
                raise IndexError(f"the id {token} is outside the vocabulary of {self.qwen3.vocab_size}")
        if not batch[0]:
            raise ValueError("the prompt is empty")
        states = [self.qwen3.step(token, cache) for token in batch[0]]
        stages = [
            Array([value for state in states for value in state[stage]], (1, len(states), len(states[0][0])))
            for stage in range(len(states[0]))
        ]
        for hook in self.model.norm.hooks:
            hook(self.model.norm, (stages[-2],))
        rows = [Array(self.qwen3.logits(state[-1]), (1, self.qwen3.vocab_size)) for state in states]
        flat = concatenated(rows)
        return SimpleNamespace(
            logits=Array(flat.values, (1, *flat.shape)),
            hidden_states=(*stages[:-2], stages[-1]) if output_hidden_states else None,
            past_key_values=cache if use_cache else None,
        )


class AutoModelForCausalLM:
    @staticmethod
    def from_pretrained(directory, dtype):
        print("Loading weights: as libraries do, this prints to standard output")
        assert dtype == "float32", dtype
        return Model(directory)


class Tokenizer:
    def __call__(self, text, add_special_tokens=True):
        return {"input_ids": [*([1] if add_special_tokens else []), *text.encode("utf-8")]}

    def apply_chat_template(self, conversation, tokenize, **options):
        """The options as text, so that a test can read which were given."""
        assert not tokenize
        return json.dumps({"conversation": conversation, **options}, sort_keys=True)


class AutoTokenizer:
    @staticmethod
    def from_pretrained(directory):
        return Tokenizer()
