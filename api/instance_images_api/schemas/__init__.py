"""JSON Schema (2020-12) of requests and answers, a module per noun."""
