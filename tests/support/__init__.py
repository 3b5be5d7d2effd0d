"""What the tests share and is no test: clouds, servers, drivers, worlds, statements, processes."""
