"""The SDK that blocks, made of `aio`."""
