"""The API calls of ``image sync``, made with openstacksdk and nothing else: all pages of images.

bare_listing.py CLOUD
"""

import sys

import openstack


def main(cloud: str) -> None:
    """Read all pages, also those of the hidden images, and print how many images there are."""
    connection = openstack.connect(cloud=cloud, region_name="RegionOne")
    count = 0
    for hidden in ("false", "true"):
        params = {"limit": "1000", "visibility": "all", "sort": "id:asc", "os_hidden": hidden}
        while True:
            page = connection.image.get("/images", params=params).json()
            count += len(page["images"])
            if "next" not in page:
                break
            params["marker"] = page["images"][-1]["id"]
    print(count)


if __name__ == "__main__":
    main(sys.argv[1])
