"""The billing job: intervals, rates, postings, and the hourly run that closes the hours.

It builds on ``instance_images``, the plugin, and never imports the reports.
"""
