"""Carries out a call by its route: who sends it, what he may, what it says, what is answered.

The order of the checks: the token's scope, the role, parameters and body. A caller without
permission learns nothing.
"""

import json
import logging
from collections.abc import Mapping
from typing import Any

import falcon
from oslo_context.context import RequestContext

from instance_images.drivers import patience
from instance_images.errors import InstanceImagesError
from instance_images.model.requests import request_ids
from instance_images_api.http.errors import ApiError, answer_of, busy, fault, usage
from instance_images_api.http.permission import Permission, caller_of
from instance_images_api.http.reading import body_of, parameters_of
from instance_images_api.http.route import Answer, Call, Route
from instance_images_api.middleware.access_log import PROJECT, ROUTE, USER
from instance_images_api.service import Service

LOG = logging.getLogger(__name__)
_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
# All answers of the cloud together take as long as so many: a login may come on top.
_ANSWERS = 2
# The headers that handlers read, and their names in the environment of WSGI.
_CARRIED = {
    name: f"HTTP_{name.upper().replace('-', '_')}"
    for name in ("Idempotency-Key", "If-Match", "If-None-Match", "Accept")
}
_json = json.JSONEncoder(ensure_ascii=False).encode


class Responder:
    """Answers the requests of one route."""

    def __init__(self, service: Service, route: Route) -> None:
        self._service, self._route = service, route
        self._answer_seconds = service.settings.api.cloud_timeout_seconds

    def __call__(self, request: falcon.Request, response: falcon.Response, **path: str) -> None:
        request_id = str(request.env.get("openstack.request_id", ""))
        request.env[ROUTE] = self._route.path
        try:
            with patience.within(_ANSWERS * self._answer_seconds, self._answer_seconds):
                answer = self._answer(request, request_id, path)
        except ApiError as error:
            write_error(response, error, request_id)
        except InstanceImagesError as error:
            told = answer_of(error, request_id, self._route.noun)
            level = logging.ERROR if told.status == 500 else logging.INFO
            LOG.log(level, "Request %s: %s", request_id, error, exc_info=told.status == 500)
            write_error(response, told, request_id)
        except Exception:
            LOG.exception("Request %s failed.", request_id)
            write_error(response, fault(request_id), request_id)
        else:
            write_answer(response, answer)

    def _answer(self, request: falcon.Request, request_id: str, path: Mapping[str, str]) -> Answer:
        request_ids.begin(request_id)  # for the log, the services and the task
        caller = permission = None
        route = self._route
        context = RequestContext.from_environ(request.env, request_id=request_id)
        if route.rule is not None:
            scope = self._service.settings.account_scope
            caller = caller_of(request.env, route.rule, scope, request_id)
            request.env[USER], request.env[PROJECT] = caller.user_id, caller.project_id or "-"
            permission = Permission(self._service.policy, context, caller)
            permission.require(route.rule)
        parameters = parameters_of(route, path, request.query_string)
        if permission is not None and route.wider_rule is not None and _is_wider(parameters):
            permission.require(route.wider_rule)
        sent = request.env
        headers = {name: sent[key] for name, key in _CARRIED.items() if key in sent}
        call = Call(
            service=self._service,
            route=route,
            request_id=request_id,
            base_url=self._service.settings.api.public_endpoint or str(request.prefix),
            caller=caller,
            permission=permission,
            parameters=parameters,
            body=body_of(route, request.content_type, _content(request)),
            headers=headers,
        )
        if not route.asks_cloud:
            return route.handler(call)
        with self._service.cloud_turn() as has_turn:
            if not has_turn:
                raise busy()
            return route.handler(call)


def _is_wider(parameters: Mapping[str, Any]) -> bool:
    return "account_id" in parameters or bool(parameters.get("all_accounts"))


def _content(request: falcon.Request) -> bytes:
    length = request.content_length or 0
    content: bytes = request.bounded_stream.read(length) if length else b""
    if len(content) < length:
        raise usage("The body is shorter than Content-Length says.")
    return content


def write_answer(response: falcon.Response, answer: Answer) -> None:
    """Write an answer of a handler."""
    response.status = answer.status
    if answer.body is not None:
        response.content_type = answer.media_type
    response.set_headers({**_HEADERS, **answer.headers})
    if isinstance(answer.body, bytes):
        response.data = answer.body
    elif answer.body is not None:
        response.data = _json(answer.body).encode()


def write_error(response: falcon.Response, error: ApiError, request_id: str) -> None:
    """Write an answer that is an error."""
    response.status = error.status
    response.content_type = "application/json"
    response.set_headers({**_HEADERS, **error.headers})
    response.data = error.body(request_id)
