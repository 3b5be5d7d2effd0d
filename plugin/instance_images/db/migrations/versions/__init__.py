"""Revisions, each named by its number and what it changes."""
