"""Media types that schemathesis has no writer for: the body goes out as it is."""

import schemathesis


@schemathesis.serializer("application/wasm", "application/toml")
def as_it_is(ctx, value):
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")
