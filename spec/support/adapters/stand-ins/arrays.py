"""Arrays of floats with the few operations that the examples use of numpy and torch."""
import math
import struct


class Array:
    def __init__(self, values, shape):
        self.values, self.shape = list(values), tuple(shape)
        assert len(self.values) == math.prod(self.shape), (len(self.values), self.shape)

    def __getitem__(self, index):
        """The first axis, by a number, a list of numbers or a slice from the beginning; a tuple goes on with the next."""
        if isinstance(index, tuple):
            first, *rest = index
            assert isinstance(first, int)
            return self[first][tuple(rest)] if len(rest) > 1 else self[first][rest[0]]
        width = math.prod(self.shape[1:])
        row = lambda i: self.values[i % self.shape[0] * width : (i % self.shape[0] + 1) * width]
        if isinstance(index, int):
            assert -self.shape[0] <= index < self.shape[0], f"index {index} of {self.shape[0]}"
            return Array(row(index), self.shape[1:])
        chosen = index if isinstance(index, list) else range(*index.indices(self.shape[0]))
        return Array([value for i in chosen for value in row(i)], (len(chosen), *self.shape[1:]))

    def argmax(self):
        return Array([self.values.index(max(self.values))], ())

    def __int__(self):
        assert self.shape == ()
        return int(self.values[0])

    # torch's way to numpy.
    def float(self):
        return self

    def cpu(self):
        return self

    def numpy(self):
        return self

    def astype(self, dtype):
        assert dtype == "<f4", dtype
        return self

    def tobytes(self):
        return struct.pack(f"<{len(self.values)}f", *self.values)


def concatenated(arrays):
    return Array(
        [value for array in arrays for value in array.values],
        (sum(array.shape[0] for array in arrays), *arrays[0].shape[1:]),
    )
