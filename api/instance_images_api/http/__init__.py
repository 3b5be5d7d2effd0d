"""Routes, calls, answers and errors: what every handler shares."""
