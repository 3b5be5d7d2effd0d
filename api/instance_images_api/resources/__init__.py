"""The handlers, a module per noun."""
