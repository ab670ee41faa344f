"""An engine that Plumbline can judge, in Python without packages.

    npx plumbline-verify --model dense --command "python3 engine.py"

Copy this file and replace `qwen3.Model`, which computes slowly and simply, by your engine. docs/protocol.md explains
the messages; each is one line of JSON on standard input or output.
"""
import base64
import json
import os
import sys
from array import array

import qwen3

# Only messages may stand on standard output. What libraries print goes to standard error, also from their C code.
answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
os.dup2(2, 1)


def f32(values, shape):
    """An array in a message: little-endian f32 in base64. Large arrays can go through a file: see the protocol."""
    data = array("f", values)
    if sys.byteorder == "big":
        data.byteswap()
    return {"dtype": "f32", "shape": shape, "base64": base64.b64encode(data.tobytes()).decode("ascii")}


class Engine:
    """One method for each request. What it returns is sent; what it raises is sent as an error."""

    model = None

    def start(self, request):
        return {
            "type": "started",
            "protocol": 1,
            "engine": {"name": "example in Python", "version": "1", "language": "Python"},
            # `all`: logits of the whole vocabulary. An engine that has only the likeliest says `top`, and sends
            # `ids` beside `values`; one that has only tokens says `none`. The judge asks for no more than is said.
            "capabilities": {"scores": "all", "values": "logits", "hidden": True, "precision": "f32"},
        }

    def load(self, request):
        self.model = qwen3.Model(request["model"])
        return {"type": "loaded"}

    def forward(self, request):
        ids, positions = self.checked(request["ids"]), request["positions"]
        cache = self.model.cache()
        states = [self.model.step(token, cache) for token in ids]
        # states[t]: layers + 2 vectors. The logits of position t score the token that follows ids[t].
        rows = [self.model.logits(states[position][-1]) for position in positions]
        values = f32((value for row in rows for value in row), [len(rows), self.model.vocab_size])
        answer = {"type": "forwarded", "scores": {"values": values}}
        if request["hidden"]:
            stages, width = len(states[0]), len(states[0][0])
            flat = (value for stage in range(stages) for state in states for value in state[stage])
            answer["hidden"] = f32(flat, [stages, len(ids), width])
        return answer

    def generate(self, request):
        ids, cache, tokens = self.checked(request["ids"]), self.model.cache(), []
        for token in ids:
            state = self.model.step(token, cache)
        # As many tokens as were asked for: no token ends the generation.
        while len(tokens) < request["maxNewTokens"]:
            if tokens:
                state = self.model.step(tokens[-1], cache)
            row = self.model.logits(state[-1])
            tokens.append(row.index(max(row)))
        return {"type": "generated", "tokens": tokens}

    def checked(self, ids):
        if not ids:
            raise ValueError("the prompt is empty")
        if max(ids) >= self.model.vocab_size:
            raise ValueError(f"the id {max(ids)} is outside the vocabulary of {self.model.vocab_size}")
        return ids


engine = Engine()
for line in sys.stdin:
    request = json.loads(line)
    if request["type"] == "stop":
        break
    handler = getattr(engine, request["type"], None)
    try:
        answer = handler(request) if handler else {"type": "skipped", "reason": f"there is no {request['type']} here"}
    except Exception as error:
        answer = {"type": "error", "message": f"{type(error).__name__}: {error}"}
    # The id is copied as it came. Without the flush the judge would wait until its time limit.
    print(json.dumps({**answer, "id": request["id"]}), file=answers, flush=True)
