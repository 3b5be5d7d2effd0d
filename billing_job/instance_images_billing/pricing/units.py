"""The units of prices, in bytes."""

UNIT_BYTES = {"GB": 10**9, "GiB": 2**30}
