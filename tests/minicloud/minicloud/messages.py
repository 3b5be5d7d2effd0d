"""Makes oslo.messaging's fake driver deliver at once.

A listener of that driver looks for messages every 50 ms, which each request from one part of a
service to another waits for, and which costs time even when there are none.
"""

import threading
from typing import Any

from oslo_messaging._drivers import base, impl_fake

_delivered = threading.Condition()


class PromptExchange(impl_fake.FakeExchange):
    """Wakes all listeners of the process when a message has come."""

    def deliver_message(self, *args: Any, **kwargs: Any) -> None:
        super().deliver_message(*args, **kwargs)
        with _delivered:
            _delivered.notify_all()


class PromptListener(impl_fake.FakeListener):
    """Sleeps until it is woken."""

    @base.batch_poll_helper
    def poll(self, timeout: float | None = None) -> Any:
        found: list[Any] = []
        with _delivered:
            _delivered.wait_for(lambda: self._stopped.is_set() or self._look(found), timeout)
        return found[0] if found else None

    def _look(self, found: list[Any]) -> bool:
        for target in self._targets:
            exchange = self._exchange_manager.get_exchange(target.exchange)
            context, message, reply_queue, requeue = exchange.poll(target, self._pool)
            if message is not None:
                found.append(impl_fake.FakeIncomingMessage(context, message, reply_queue, requeue))
                return True
        return False

    def stop(self) -> None:
        super().stop()
        with _delivered:
            _delivered.notify_all()


def register() -> None:
    """Have the driver use them from now on."""
    impl_fake.FakeExchange = PromptExchange
    impl_fake.FakeListener = PromptListener
