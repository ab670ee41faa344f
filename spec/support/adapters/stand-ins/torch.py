"""Stand-in of torch: what examples/adapters/transformers uses."""
from contextlib import nullcontext as inference_mode  # noqa: F401

from arrays import concatenated as cat  # noqa: F401

float32, bfloat16, float16 = "float32", "bfloat16", "float16"


def tensor(batch):
    """Ids as the model takes them: a batch of one prompt."""
    assert len(batch) == 1 and all(isinstance(token, int) for token in batch[0])
    return batch
