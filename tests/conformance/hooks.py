"""What schemathesis is to know of the gateway beyond its document: a package is bytes like any others."""

import schemathesis

schemathesis.serializer.alias("application/wasm", "application/octet-stream")
