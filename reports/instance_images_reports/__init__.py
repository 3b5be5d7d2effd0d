"""The Cloud Usage report: collected from the ledger, computed once, rendered in several formats.

It builds on ``instance_images_billing`` and ``instance_images``; neither of them imports it.
"""
