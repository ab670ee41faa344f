"""Qwen3 in Python's standard library, one token at a time, in float64. Made to be read, not to be fast."""
import json
import math
import os
import struct
from operator import mul


def read_weights(model_dir):
    """All tensors of the directory's .safetensors files, as lists: a vector, or the rows of a matrix."""
    weights = {}
    for name in sorted(os.listdir(model_dir)):
        if not name.endswith(".safetensors"):
            continue
        with open(os.path.join(model_dir, name), "rb") as file:
            (header_bytes,) = struct.unpack("<Q", file.read(8))
            header = json.loads(file.read(header_bytes))
            for key, info in header.items():
                if key == "__metadata__":
                    continue
                begin, end = info["data_offsets"]
                file.seek(8 + header_bytes + begin)
                flat = floats(file.read(end - begin), info["dtype"])
                width = info["shape"][-1]
                is_vector = len(info["shape"]) == 1
                weights[key] = flat if is_vector else [flat[i : i + width] for i in range(0, len(flat), width)]
    return weights


def floats(data, dtype):
    if dtype == "F16":
        return list(struct.unpack(f"<{len(data) // 2}e", data))
    if dtype == "BF16":  # the upper half of an f32
        data = b"".join(b"\0\0" + data[i : i + 2] for i in range(0, len(data), 2))
    elif dtype != "F32":
        raise ValueError(f"weights of type {dtype} are not read here")
    return list(struct.unpack(f"<{len(data) // 4}f", data))


def dot(a, b):
    return sum(map(mul, a, b))


def linear(weight, x):
    return [dot(row, x) for row in weight]


class Model:
    def __init__(self, model_dir):
        with open(os.path.join(model_dir, "config.json"), encoding="utf-8") as file:
            config = json.load(file)
        if config["model_type"] != "qwen3":
            raise ValueError(f"a model of type {config['model_type']} is not computed here")
        self.weights = read_weights(model_dir)
        self.vocab_size = config["vocab_size"]
        self.num_layers = config["num_hidden_layers"]
        self.head_dim = config["head_dim"]
        # Several query heads share a key-value head.
        self.num_kv_heads = config["num_key_value_heads"]
        self.group = config["num_attention_heads"] // self.num_kv_heads
        self.eps = config["rms_norm_eps"]
        self.theta = config.get("rope_theta") or config["rope_parameters"]["rope_theta"]
        self.head = "model.embed_tokens" if config.get("tie_word_embeddings") else "lm_head"

    def cache(self):
        """For each layer and key-value head: a key per token, and per dimension the values of all tokens."""
        heads = range(self.num_kv_heads)
        return [([[] for _ in heads], [[[] for _ in range(self.head_dim)] for _ in heads]) for _ in range(self.num_layers)]

    def step(self, token, cache):
        """Adds a token. Returns the embedding, the output of each layer, and that of the final norm."""
        x = self.weights["model.embed_tokens.weight"][token]
        states = [x]
        for layer, (keys, values) in enumerate(cache):
            name = f"model.layers.{layer}"
            attended = self.attention(name + ".self_attn", self.norm(x, name + ".input_layernorm"), keys, values)
            x = [a + b for a, b in zip(x, attended)]
            x = [a + b for a, b in zip(x, self.mlp(name + ".mlp", self.norm(x, name + ".post_attention_layernorm")))]
            states.append(x)
        return states + [self.norm(x, "model.norm")]

    def logits(self, x):
        return linear(self.weights[self.head + ".weight"], x)

    def norm(self, x, name):
        scale = 1 / math.sqrt(dot(x, x) / len(x) + self.eps)
        return [gain * value * scale for gain, value in zip(self.weights[name + ".weight"], x)]

    def attention(self, name, x, keys, values):
        q, k, v = (self.heads(linear(self.weights[f"{name}.{part}_proj.weight"], x)) for part in "qkv")
        position = len(keys[0])
        for head in range(self.num_kv_heads):
            keys[head].append(self.rope(self.norm(k[head], name + ".k_norm"), position))
            for column, value in zip(values[head], v[head]):
                column.append(value)
        out = []
        for index, head in enumerate(q):
            query, shared = self.rope(self.norm(head, name + ".q_norm"), position), index // self.group
            scores = [dot(query, key) / math.sqrt(self.head_dim) for key in keys[shared]]
            largest = max(scores)
            powers = [math.exp(score - largest) for score in scores]
            total = sum(powers)
            out += [dot(powers, column) / total for column in values[shared]]
        return linear(self.weights[name + ".o_proj.weight"], out)

    def heads(self, x):
        return [x[i : i + self.head_dim] for i in range(0, len(x), self.head_dim)]

    def rope(self, x, position):
        """Turns the pair (d, d + head_dim / 2) by position * theta ** (-2 d / head_dim)."""
        half = self.head_dim // 2
        angles = [position * self.theta ** (-2 * d / self.head_dim) for d in range(half)]
        first = [x[d] * math.cos(a) - x[d + half] * math.sin(a) for d, a in enumerate(angles)]
        second = [x[d + half] * math.cos(a) + x[d] * math.sin(a) for d, a in enumerate(angles)]
        return first + second

    def mlp(self, name, x):
        gate, up = (linear(self.weights[f"{name}.{part}_proj.weight"], x) for part in ("gate", "up"))
        return linear(self.weights[name + ".down_proj.weight"], [g / (1 + math.exp(min(-g, 700))) * u for g, u in zip(gate, up)])
