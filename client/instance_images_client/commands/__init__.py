"""The commands ``openstack custom image ...``."""
