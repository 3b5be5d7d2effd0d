"""Customer images of instances for OpenStack: capture, limits, tasks and reconciliation.

This package is the provider plugin. It imports neither of the packages that build on it:
``instance_images_billing`` meters what it knows, ``instance_images_reports`` tells it.
"""
