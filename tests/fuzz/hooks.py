"""Media types that schemathesis has no writer for: the body goes out as it is."""

import schemathesis


@schemathesis.serializer("application/wasm", "application/toml")
def as_it_is(ctx, value):
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")


@schemathesis.hook
def before_call(ctx, case, kwargs):
    """Puts the quotes of an ETag back: where it tries examples one by one, schemathesis reads header values
    that fit their schema as JSON, and `"0"` goes out as `0`."""
    mode = getattr(getattr(case.meta, "generation", None), "mode", None)
    tag = (case.headers or {}).get("If-Match", "")
    if str(getattr(mode, "value", mode)).lower() == "positive" and str(tag).isdigit():
        case.headers["If-Match"] = f'"{tag}"'
