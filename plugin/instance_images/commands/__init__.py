"""The command line of the plugin. Commands wire the parts together and hold no logic.

Modules here import nothing heavy at their top: what a command needs is imported when it runs, so
that help and completion answer at once.
"""
