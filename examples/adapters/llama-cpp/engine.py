"""llama.cpp, through llama-cpp-python, as an engine that Plumbline can judge.

    pip install llama-cpp-python numpy
    npx plumbline-verify --model Qwen/Qwen3-0.6B --command "python3 engine.py Qwen3-0.6B-Q8_0.gguf 8bit"

The first argument is the GGUF file of the model that is judged: llama.cpp cannot read the directory that the judge
names. The second is what the file computes in: f32, f16, bf16, 8bit or 4bit.

Plumbline's CI runs this on a stand-in of llama-cpp-python, which tests the messages, and never on the package itself.
"""
import base64
import json
import os
import sys

# Only messages may stand on standard output. What libraries print goes to standard error, also from their C code.
answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
os.dup2(2, 1)

import llama_cpp  # noqa: E402
import numpy as np  # noqa: E402

MODEL, PRECISION = sys.argv[1:3]
# Prompts of more tokens are refused. Scores of all of them are kept: 4 bytes × context × vocabulary.
CONTEXT = 2048


def f32(values):
    data = np.ascontiguousarray(values, dtype="<f4")
    return {"dtype": "f32", "shape": list(data.shape), "base64": base64.b64encode(data.tobytes()).decode("ascii")}


class Engine:
    def start(self, request):
        about = {"name": "llama.cpp", "version": f"llama-cpp-python {llama_cpp.__version__}", "language": "C++"}
        about["issues"] = "https://github.com/ggml-org/llama.cpp/issues"
        # llama.cpp shows no hidden states. Conversations are left out: its own template engine is in llama-server.
        capabilities = {"scores": "all", "tokenize": True, "precision": PRECISION}
        return {"type": "started", "protocol": 1, "engine": about, "capabilities": capabilities}

    def load(self, request):
        self.llama = llama_cpp.Llama(model_path=MODEL, n_ctx=CONTEXT, logits_all=True, verbose=False)
        return {"type": "loaded"}

    def evaluate(self, ids):
        """The scores after each of the ids, f32 [len(ids), vocabulary]."""
        if not ids:
            raise ValueError("the prompt is empty")
        if len(ids) > CONTEXT:
            raise ValueError(f"{len(ids)} tokens are more than the context of {CONTEXT}")
        self.llama.reset()
        self.llama.eval(ids)
        return self.llama.scores[: len(ids)]

    def forward(self, request):
        scores = self.evaluate(request["ids"])[request["positions"]]
        return {"type": "forwarded", "scores": {"values": f32(scores)}}

    def generate(self, request):
        self.evaluate(request["ids"])
        tokens = []
        while len(tokens) < request["maxNewTokens"]:
            if tokens:
                self.llama.eval(tokens[-1:])
            tokens.append(int(np.argmax(self.llama.scores[self.llama.n_tokens - 1])))
        return {"type": "generated", "tokens": tokens}

    def tokenize(self, request):
        ids = self.llama.tokenize(request["text"].encode("utf-8"), add_bos=False, special=True)
        return {"type": "tokenized", "ids": ids}


engine = Engine()
for line in sys.stdin:
    request = json.loads(line)
    if request["type"] == "stop":
        break
    try:
        answer = getattr(engine, request["type"])(request)
    except Exception as error:
        answer = {"type": "error", "message": f"{type(error).__name__}: {error}"}
    print(json.dumps({**answer, "id": request["id"]}), file=answers, flush=True)
