"""One module per service: its configuration (``configure``) and its start (``start``).

``configure`` runs in the supervisor and imports nothing of the service; ``start`` runs in the
service's own process and returns whatever must be kept alive.
"""
