"""The API calls of ``image list``, made with openstacksdk and nothing else.

    bare_image_list.py CLOUD ACCOUNT [CLOUD-IMAGE-ID SERVER-ID]

What the product knows from its database, the ids of an image that is being captured and of its
instance, comes from the command line.
"""

import json
import sys

import openstack


def main(cloud: str, account: str, under_way: list[str]) -> None:
    """Find the account's project, look at the capture that is under way, and print both."""
    connection = openstack.connect(cloud=cloud, region_name="RegionOne")
    answer = connection.identity.get(f"/projects/{account}")
    if answer.status_code == 404:
        answer = connection.identity.get("/projects", params={"name": account})
    found = {"account": answer.json()}
    if under_way:
        image_id, server_id = under_way
        found["image"] = connection.image.get(f"/images/{image_id}").json()
        project_id = found["account"]["projects"][0]["id"]
        scoped = connection.connect_as(project_id=project_id, project_name=None)
        answer = scoped.compute.get(f"/servers/{server_id}", microversion="2.45")
        found["server"] = answer.json()
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
