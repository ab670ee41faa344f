"""HuggingFace transformers as an engine that Plumbline can judge.

    pip install torch transformers
    npx plumbline-verify --model Qwen/Qwen3-0.6B --command "python3 engine.py bfloat16"

The argument is the dtype to compute in: float32 (the default), bfloat16 or float16.
Plumbline's CI runs this on stand-ins of both packages, which tests the messages, and never on the packages themselves.
"""
import base64
import json
import os
import sys

# Only messages may stand on standard output. What libraries print goes to standard error, also from their C code.
answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
os.dup2(2, 1)

import torch  # noqa: E402
import transformers  # noqa: E402

DTYPE = sys.argv[1] if len(sys.argv) > 1 else "float32"
PRECISION = {"float32": "f32", "bfloat16": "bf16", "float16": "f16"}[DTYPE]


def f32(tensor):
    values = tensor.float().cpu().numpy().astype("<f4")
    return {"dtype": "f32", "shape": list(values.shape), "base64": base64.b64encode(values.tobytes()).decode("ascii")}


class Engine:
    def start(self, request):
        about = {"name": "transformers", "version": transformers.__version__, "language": "Python"}
        about["issues"] = "https://github.com/huggingface/transformers/issues"
        capabilities = {"scores": "all", "hidden": True, "tokenize": True, "chat": True, "precision": PRECISION}
        return {"type": "started", "protocol": 1, "engine": about, "capabilities": capabilities}

    def load(self, request):
        load = transformers.AutoModelForCausalLM.from_pretrained
        self.model = load(request["model"], dtype=getattr(torch, DTYPE)).eval()
        try:
            self.tokenizer = transformers.AutoTokenizer.from_pretrained(request["model"])
        except (OSError, ValueError):
            self.tokenizer = None  # a model of ids alone
        return {"type": "loaded"}

    def forward(self, request):
        # hidden_states ends with the output of the final norm; the judge wants the input of that norm too.
        before_norm = []
        hook = self.model.model.norm.register_forward_pre_hook(lambda _, args: before_norm.append(args[0]))
        try:
            out = self.model(torch.tensor([request["ids"]]), output_hidden_states=request["hidden"])
        finally:
            hook.remove()
        answer = {"type": "forwarded", "scores": {"values": f32(out.logits[0, request["positions"]])}}
        if request["hidden"]:
            *before, final = out.hidden_states
            answer["hidden"] = f32(torch.cat([*before, before_norm[0], final]))
        return answer

    def generate(self, request):
        if not request["ids"]:
            raise ValueError("the prompt is empty")
        new, past, tokens = request["ids"], None, []
        while len(tokens) < request["maxNewTokens"]:
            out = self.model(torch.tensor([new]), past_key_values=past, use_cache=True)
            new, past = [int(out.logits[0, -1].argmax())], out.past_key_values
            tokens += new
        return {"type": "generated", "tokens": tokens}

    def tokenize(self, request):
        if self.tokenizer is None:
            return {"type": "skipped", "reason": "the model has no tokenizer"}
        return {"type": "tokenized", "ids": self.tokenizer(request["text"], add_special_tokens=False)["input_ids"]}

    def tokenizeChat(self, request):
        if self.tokenizer is None:
            return {"type": "skipped", "reason": "the model has no tokenizer"}
        options = {"enable_thinking": request["enableThinking"]} if "enableThinking" in request else {}
        text = self.tokenizer.apply_chat_template(
            request["messages"],
            tools=request.get("tools"),
            add_generation_prompt=request["addGenerationPrompt"],
            tokenize=False,
            **options,
        )
        return self.tokenize({"text": text})


engine = Engine()
with torch.inference_mode():
    for line in sys.stdin:
        request = json.loads(line)
        if request["type"] == "stop":
            break
        try:
            answer = getattr(engine, request["type"])(request)
        except Exception as error:
            answer = {"type": "error", "message": f"{type(error).__name__}: {error}"}
        print(json.dumps({**answer, "id": request["id"]}), file=answers, flush=True)
