"""Client of instance-images: ``sdk`` is for programs, ``commands`` are for ``openstack``.

It imports nothing of the service.
"""
