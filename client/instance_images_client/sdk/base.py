"""What the resources of the service share: how one is found, and how pages are followed."""

import re
from collections.abc import Mapping
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import requests
from openstack import exceptions, resource

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

NextPage = tuple[str | None, Mapping[str, Any]]


def is_id(text: str) -> bool:
    """Return whether the text has the form of an id; nothing else becomes part of a path."""
    return _ID.fullmatch(text) is not None


def truth(value: bool | None) -> str | None:
    """Return a boolean as the service reads it in a query; None where it says nothing."""
    return "true" if value else None


class Base(resource.Resource):
    """A resource of the service."""

    def _update_location(self) -> None:
        """Leave ``location`` alone: here it is a location of the service, not the SDK's own."""

    @classmethod
    def find(  # type: ignore[override]
        cls, session: Any, name_or_id: str, ignore_missing: bool = True, **params: Any
    ) -> Self | None:
        """Return the one with the id or, if none has it, with the name.

        Raises DuplicateResource if several have the name, NotFoundException if none has it and
        ``ignore_missing`` is False.
        """
        if is_id(name_or_id):
            try:
                return cls.existing(id=name_or_id, connection=session._get_connection()).fetch(
                    session
                )
            except exceptions.NotFoundException:
                pass
        found = list(cls._named(session, name_or_id, **params))
        if len(found) > 1:
            ids = ", ".join(one.id for one in found)
            raise exceptions.DuplicateResource(
                f"{len(found)} of them are named {name_or_id!r}. Use an id: {ids}."
            )
        if found:
            return found[0]
        if ignore_missing:
            return None
        noun = str(cls.resource_key).replace("_", " ")
        raise exceptions.NotFoundException(f"No {noun} found for {name_or_id!r}.")

    @classmethod
    def _named(cls, session: Any, name: str, **params: Any) -> list[Self]:
        if "name" not in cls._query_mapping._mapping:
            return [one for one in cls.list(session, **params) if one.name == name]
        return list(cls.list(session, name=name, **params))

    @classmethod
    def _get_next_link(
        cls,
        uri: str,
        response: requests.Response,
        data: dict[str, Any],
        marker: str | None,
        limit: str | None,
        total_yielded: int,
    ) -> NextPage:
        """Return the next page: the path of this one with the query of the link in the answer.

        The host of the link is not used: the token goes nowhere but to the service.
        """
        for link in data.get(f"{cls.resources_key}_links", ()):
            if link.get("rel") == "next":
                return uri, parse_qs(urlsplit(link["href"]).query)
        return None, {}
