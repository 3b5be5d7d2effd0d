"""The drivers below the services: everything above them is the unmodified service."""
