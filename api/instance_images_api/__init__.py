"""The HTTP API: what the command line does, for whoever has a token of Keystone.

It holds no logic: handlers call the operations that the commands call. The extra ``api`` of the
distribution installs what it needs.
"""
