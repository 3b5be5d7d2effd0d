"""The microversions of the APIs that requests are sent with."""

# 2.45 answers createImage with the image's id; 2.37 knows networks = none and auto.
COMPUTE_MICROVERSION = "2.45"
# 3.1 makes images of volumes that are private.
VOLUME_MICROVERSION = "3.1"

MICROVERSIONS = {"compute": COMPUTE_MICROVERSION, "block_storage": VOLUME_MICROVERSION}
