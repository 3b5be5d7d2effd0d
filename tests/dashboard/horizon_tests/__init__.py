"""Unit tests with Horizon's helpers. They run in the environment of Horizon: see test_units.py."""
