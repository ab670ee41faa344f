"""Stand-in of llama-cpp-python 0.3: what examples/adapters/llama-cpp uses. The file's path is a model's directory."""
import qwen3
from arrays import Array

__version__ = "stand-in"


class Llama:
    def __init__(self, model_path, n_ctx, logits_all, verbose):
        print("llama_model_loader: as libraries do, this prints to standard output")
        assert logits_all and not verbose
        self.model, self.n_ctx = qwen3.Model(model_path), n_ctx
        self.reset()

    def reset(self):
        self.n_tokens, self.cache, self.rows = 0, self.model.cache(), []

    def eval(self, tokens):
        for token in tokens:
            if not 0 <= token < self.model.vocab_size:
                raise ValueError(f"the id {token} is outside the vocabulary of {self.model.vocab_size}")
            self.rows += self.model.logits(self.model.step(token, self.cache)[-1])
            self.n_tokens += 1

    @property
    def scores(self):
        """[n_tokens, vocabulary]; llama-cpp-python has further rows after these."""
        return Array(self.rows, (self.n_tokens, self.model.vocab_size))

    def tokenize(self, text, add_bos=True, special=False):
        assert isinstance(text, bytes)
        return [*([1] if add_bos else []), *text, *([2] if special else [])]
