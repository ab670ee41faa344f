"""Stand-in of numpy: what examples/adapters/llama-cpp uses."""


def ascontiguousarray(array, dtype):
    return array.astype(dtype)


def argmax(array):
    return array.argmax()
