"""The proxy: what a program can ask of the service."""

import os
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, cast, overload
from urllib.parse import quote

import requests
from openstack import exceptions

from instance_images_client.sdk import usage, waiting
from instance_images_client.sdk.base import is_id, truth
from instance_images_client.sdk.image import Image
from instance_images_client.sdk.offer import (
    Choice,
    DefaultLimit,
    Estimate,
    Limit,
    Location,
    Rate,
    RatePreview,
)
from instance_images_client.sdk.scaling_group import ScalingGroup
from instance_images_client.sdk.sending import KEY, SendingProxy
from instance_images_client.sdk.task import Task
from instance_images_client.sdk.usage import Month


class Proxy(SendingProxy):
    """Images of instances, their tasks, prices, limits and reports.

    Errors are those of openstacksdk. Their ``reason`` is the service's, such as ``limit_reached``.
    """

    api_version: ClassVar[str] = "1"

    _resource_registry = {  # noqa: RUF012 - declared so in the SDK
        "image": Image,
        "task": Task,
        "location": Location,
        "rate": Rate,
        "limit": Limit,
        "default_limit": DefaultLimit,
        "scaling_group": ScalingGroup,
    }

    # ------------------------------------------------------------------ images

    def images(self, **query: Any) -> Generator[Image, None, None]:
        """List images that are not deleted, oldest first.

        ``query``: ``status``, ``name``, ``source_instance_id``, ``location``, ``limit``,
        ``sort`` (``created_at:desc``); for operators ``account_id`` or ``all_accounts=True``.
        """
        return self._list(Image, **_query(query))

    def get_image(self, image: str | Image) -> Image:
        """Return an image by its id. Raises NotFoundException."""
        return self._get(Image, _id_of(image, "image"))

    @overload
    def find_image(
        self, name_or_id: str, ignore_missing: Literal[False], **query: Any
    ) -> Image: ...

    @overload
    def find_image(
        self, name_or_id: str, ignore_missing: bool = True, **query: Any
    ) -> Image | None: ...

    def find_image(
        self, name_or_id: str, ignore_missing: bool = True, **query: Any
    ) -> Image | None:
        """Return the image with that id or name.

        Raises DuplicateResource if several have the name, NotFoundException if none has it and
        ``ignore_missing`` is False.
        """
        return Image.find(self, name_or_id, ignore_missing, **_query(query))

    def create_image(
        self,
        *,
        name: str,
        source_instance_id: str,
        require_quiesce: bool | None = None,
        location: str | None = None,
        idempotency_key: str | None = None,
    ) -> Image:
        """Begin to capture an instance, and return the image; ``task_id`` is the task to wait for.

        ``require_quiesce`` refuses a capture without frozen file systems. The same
        ``idempotency_key`` makes the same image again; by default each call has a key of its own.
        """
        return self._create(
            Image,
            **_given(
                name=name,
                source_instance_id=source_instance_id,
                require_quiesce=require_quiesce,
                location=location,
                idempotency_key=idempotency_key,
            ),
        )

    def delete_image(
        self, image: str | Image, ignore_missing: bool = True, *, force: bool = False
    ) -> Task | None:
        """Delete an image for good.

        Returns None if it is deleted, and a task if the cloud has not answered yet. ``force``
        deletes the image even if a Heat stack uses it. Raises NotFoundException if there is no such
        image and ``ignore_missing`` is False.
        """
        parameters = {"force": "true"} if force else {}
        path = f"/images/{_id_of(image, 'image')}"
        try:
            response = self.delete(path, params=parameters)
        except exceptions.NotFoundException:
            if ignore_missing:
                return None
            raise
        return self._task_of(response) if response.status_code == 202 else None

    def deploy_image(
        self,
        image: str | Image,
        *,
        name: str,
        flavor: str,
        networks: Sequence[str] | None = None,
        key_name: str | None = None,
        security_groups: Sequence[str] | None = None,
        user_data: str | None = None,
        count: int | None = None,
        volume_gib: int | None = None,
        server_group: str | None = None,
        availability_zone: str | None = None,
        idempotency_key: str | None = None,
    ) -> Task:
        """Begin to make instances from an image, and return the task.

        Flavor, networks and security groups are ids or names; ``networks=["none"]`` attaches none.
        ``user_data`` is base64. ``volume_gib``: the instances start from new volumes of that size.
        """
        asked = _given(
            name=name,
            flavor=flavor,
            networks=None if networks is None else list(networks),
            key_name=key_name,
            security_groups=None if security_groups is None else list(security_groups),
            user_data=user_data,
            count=count,
            volume_gib=volume_gib,
            server_group=server_group,
            availability_zone=availability_zone,
        )
        path = f"/images/{_id_of(image, 'image')}/deploy"
        return self._task_of(self.post(path, json={"deploy": asked}, headers=_key(idempotency_key)))

    # ------------------------------------------------------------------- tasks

    def tasks(self, **query: Any) -> Generator[Task, None, None]:
        """List tasks, oldest first.

        ``query``: ``image_id``, ``state``, ``kind``, ``location``, ``limit``, ``sort``; for
        operators ``account_id`` or ``all_accounts=True``.
        """
        return self._list(Task, **_query(query))

    def get_task(self, task: str | Task) -> Task:
        """Return a task with its current progress. Raises NotFoundException."""
        return self._get(Task, _id_of(task, "task"))

    def retry_task(self, task: str | Task, *, idempotency_key: str | None = None) -> Task:
        """Begin a failed capture anew, as the same image, and return the task."""
        path = f"/tasks/{_id_of(task, 'task')}/retry"
        return self._task_of(self.post(path, headers=_key(idempotency_key)))

    def wait_for_task(
        self,
        task: str | Task,
        *,
        callback: Callable[[Task], None] | None = None,
        interval: float | None = None,
        wait: float | None = None,
    ) -> Task:
        """Wait until a task has succeeded, and return it.

        ``callback`` gets the task each time that it was looked at. ``interval`` and ``wait`` are
        seconds: between two looks (by default as the service says), and at most (by default without
        end). The service may be unreachable for up to a minute. Raises ResourceFailure if the task
        fails, ResourceTimeout after ``wait``.
        """
        return waiting.wait_for_task(self, task, callback=callback, interval=interval, wait=wait)

    def _task_of(self, response: Any) -> Task:
        return Task.existing(connection=self._get_connection(), **response.json()["task"])

    # ------------------------------------------------------------------ offers

    def locations(self) -> Generator[Location, None, None]:
        """List the locations with their prices."""
        return self._list(Location)

    def choices(self, location: str | None = None) -> list[Choice]:
        """Return the images that can be deployed: OS Images, then My Images."""
        groups = self.get("/choices", params=_given(location=location)).json()["groups"]
        connection = self._get_connection()
        return [
            Choice.existing(connection=connection, **image)
            for group in groups
            for image in group["images"]
        ]

    def estimate(self, source_instance_id: str, location: str | None = None) -> Estimate:
        """Return the size and the cost that an image of the instance would probably have."""
        query = _given(source_instance_id=source_instance_id, location=location)
        found = self.get("/estimates", params=query).json()["estimate"]
        return Estimate.existing(connection=self._get_connection(), **found)

    def rates(self, location: str | None = None) -> Generator[Rate, None, None]:
        """List the past, current and future rates."""
        return self._list(Rate, **_given(location=location))

    def set_rate(
        self, price: str, *, location: str | None = None, starts_at: str | None = None
    ) -> Rate:
        """Set the price per unit and month from an hour on (operators)."""
        asked = {"price": price, **_given(location=location)}
        if starts_at is not None:
            asked["from"] = starts_at
        found = self.post("/rates", json={"rate": asked}).json()["rate"]
        return Rate.existing(connection=self._get_connection(), **found)

    def preview_rate(self, price: str, *, location: str | None = None) -> RatePreview:
        """Return what last month's usage would have cost at that price; nothing is changed."""
        asked = {"price": price, **_given(location=location)}
        answer = self.post("/rates", json={"rate": asked}, params={"preview": "true"})
        return RatePreview.existing(connection=self._get_connection(), **answer.json()["preview"])

    # ------------------------------------------------------------------ limits

    def limits(self, **query: Any) -> Generator[Limit, None, None]:
        """List the account's limits, one per location.

        For operators: ``account_id``, or ``all_accounts=True`` for those that were set for one.
        """
        return self._list(Limit, **_query(query))

    def set_limit(self, account_id: str, max_images: int, *, location: str | None = None) -> Limit:
        """Set how many images an account may hold (operators); -1: any number."""
        asked = {"max_images": max_images, **_given(location=location)}
        path = f"/limits/{quote(account_id, safe='')}"
        found = self.put(path, json={"limit": asked}).json()["limit"]
        return Limit.existing(connection=self._get_connection(), **found)

    def unset_limit(self, account_id: str, *, location: str | None = None) -> None:
        """Remove an account's limit (operators): the one that applies otherwise takes effect."""
        self.delete(f"/limits/{quote(account_id, safe='')}", params=_given(location=location))

    def default_limits(self) -> Generator[DefaultLimit, None, None]:
        """List the limits of accounts without one of their own, one per location (operators)."""
        return self._list(DefaultLimit)

    def set_default_limit(self, location: str, max_images: int) -> DefaultLimit:
        """Set how many images an account without a limit of its own may hold; -1: any number.

        Raises ConflictException where Keystone has registered a limit: change it there.
        """
        path = f"/default-limits/{quote(location, safe='')}"
        asked = {"default_limit": {"max_images": max_images}}
        found = self.put(path, json=asked).json()["default_limit"]
        return DefaultLimit.existing(connection=self._get_connection(), **found)

    def unset_default_limit(self, location: str) -> None:
        """Remove the default limit that was set: the configuration applies again."""
        self.delete(f"/default-limits/{quote(location, safe='')}")

    # ---------------------------------------------------------- scaling groups

    def scaling_groups(self, location: str | None = None) -> Generator[ScalingGroup, None, None]:
        """List the scaling groups of the project, without their members."""
        return self._list(ScalingGroup, **_given(location=location))

    def get_scaling_group(
        self, stack_id: str, *, group: str | None = None, location: str | None = None
    ) -> ScalingGroup:
        """Return a scaling group by the id of its stack; ``group`` if the stack has several."""
        path = f"/scaling-groups/{_id_of(stack_id, 'scaling group')}"
        return self._group_of(self.get(path, params=_given(group=group, location=location)))

    def find_scaling_group(
        self, name_or_id: str, ignore_missing: bool = True, *, location: str | None = None
    ) -> ScalingGroup | None:
        """Return the scaling group whose stack has that id or name."""
        return ScalingGroup.find(self, name_or_id, ignore_missing, **_given(location=location))

    def create_scaling_group(self, **attributes: Any) -> ScalingGroup:
        """Begin to make a scaling group.

        ``name``, ``image_id`` and ``flavor`` are required; ``min_size``, ``max_size``,
        ``desired_size``, ``cooldown_seconds``, ``networks``, ``key_name``, ``security_groups`` and
        ``location`` are not.
        """
        return self._create(ScalingGroup, **_given(**attributes))

    def set_scaling_group_image(
        self,
        stack_id: str,
        image_id: str,
        *,
        replace: bool | None = None,
        batch_size: int | None = None,
        pause_seconds: int | None = None,
        group: str | None = None,
        location: str | None = None,
    ) -> ScalingGroup:
        """Set the image of new instances; ``replace`` also replaces current ones, in batches."""
        asked = _given(
            image_id=image_id,
            replace=replace,
            batch_size=batch_size,
            pause_seconds=pause_seconds,
            group=group,
        )
        path = f"/scaling-groups/{_id_of(stack_id, 'scaling group')}/image"
        return self._group_of(self.put(path, json=asked, params=_given(location=location)))

    def _group_of(self, response: Any) -> ScalingGroup:
        found = response.json()["scaling_group"]
        return ScalingGroup.existing(connection=self._get_connection(), **found)

    # ----------------------------------------------------------------- reports

    def months(self, account_id: str | None = None) -> Generator[Month, None, None]:
        """List the months in which the account is charged for something."""
        return self._list(Month, **_given(account_id=account_id))

    def get_report(self, period: str, format: str = "text", **query: Any) -> bytes:
        """Return the Cloud Usage report of a month such as 2026-11, as ``save_report`` does."""
        return bytes(self._report(period, format, query).content)

    def save_report(
        self, period: str, path: str | os.PathLike[str], format: str = "pdf", **query: Any
    ) -> int:
        """Write the Cloud Usage report of a month to a file, and return its size in bytes.

        ``format``: pdf, xlsx, csv, html, json or text. The file is written in one step: it is
        whole, or as it was before. ``query``: ``currency``, ``section``, ``locale``, ``paper``; for
        operators ``account_id`` or ``all_accounts=True``.
        """
        with self._report(period, format, query, stream=True) as response:
            return usage.save(response, Path(path))

    def open_report(
        self, period: str, format: str = "pdf", *, etag: str | None = None, **query: Any
    ) -> requests.Response:
        """Return the Cloud Usage report of a month as an answer whose content is not yet read.

        Close it in the end. Its headers have the ``ETag`` and the file's name; its status is 304,
        without content, where the report is still the one that ``etag`` names. Takes ``format``
        and ``query`` as ``save_report`` does.
        """
        headers = {"Accept-Encoding": "identity", **_given(**{"If-None-Match": etag})}
        # Where keystoneauth logs an answer, it reads it first.
        answer = self._report(period, format, query, stream=True, log=False, headers=headers)
        return cast(requests.Response, answer)

    def _report(self, period: str, format: str, query: dict[str, Any], **more: Any) -> Any:
        parameters = {"format": format, **_query(query)}
        with usage.told_early_end():
            return self.get(f"{usage.PATH}/{quote(period, safe='')}", params=parameters, **more)


def _id_of(thing: Any, noun: str) -> str:
    """Return the id of a resource, or the text if it has the form of one."""
    found = thing if isinstance(thing, str) else thing.id
    if not is_id(found):
        raise exceptions.NotFoundException(f"No {noun} has the id {found!r}.")
    return str(found)


def _key(idempotency_key: str | None) -> dict[str, str]:
    return {} if idempotency_key is None else {KEY: idempotency_key}


def _given(**values: Any) -> dict[str, Any]:
    """Return the values that are not None."""
    return {name: value for name, value in values.items() if value is not None}


def _query(query: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters as the service reads them."""
    everyone = truth(query.pop("all_accounts", None))
    return _given(**query, all_accounts=everyone)
