"""An embedded OpenStack cloud for tests: the real services, one process each, no broker."""
