"""Values as people read them."""

from types import SimpleNamespace
from typing import Any

from django.test import SimpleTestCase
from django.utils import translation

from instance_images_dashboard import texts


class TextsTests(SimpleTestCase):
    """Sizes, durations, instants, amounts."""

    def test_sizes(self) -> None:
        self.assertEqual(texts.size(None), "-")
        self.assertEqual(texts.size(0), "0 B")
        self.assertEqual(texts.size(999), "999 B")
        self.assertEqual(texts.size(1_073_741_824), "1.07 GB")
        self.assertEqual(texts.size(1_048_576), "1.05 MB")
        with translation.override("de"):
            self.assertEqual(texts.size(1_073_741_824), "1,07 GB")

    def test_durations(self) -> None:
        self.assertEqual(texts.duration(None), "-")
        self.assertEqual(texts.duration(42), "42 s")
        self.assertEqual(texts.duration(185), "3 min 05 s")
        self.assertEqual(texts.duration(7620), "2 h 07 min")

    def test_instants(self) -> None:
        self.assertEqual(texts.instant(None), "-")
        self.assertEqual(texts.instant("nonsense"), "-")
        self.assertEqual(texts.instant("2026-11-20T10:05:00Z"), "Nov. 20, 2026, 10:05 a.m.")
        with translation.override("de"):
            self.assertEqual(texts.instant("2026-11-20T10:05:00Z"), "20. November 2026 10:05")

    def cost(self, size_bytes: int | None, offer: Any, virtual: int | None = None) -> str:
        image = SimpleNamespace(size_bytes=size_bytes, virtual_size_bytes=virtual)
        return texts.month_cost_text(image, offer)

    def test_cost_is_billed_size_times_price(self) -> None:
        price = {"price": "0.05", "currency": "EUR", "billable_size": "stored"}
        per_gb = SimpleNamespace(unit="GB", **price)
        per_gib = SimpleNamespace(unit="GiB", **price)
        virtual = SimpleNamespace(unit="GB", **{**price, "billable_size": "virtual"})

        self.assertEqual(self.cost(2_500_000_000, per_gb), "0.12 EUR")  # 0.125, to even
        self.assertEqual(self.cost(2**31, per_gib), "0.10 EUR")
        self.assertEqual(self.cost(1000, per_gb), "< 0.01 EUR")
        self.assertEqual(self.cost(0, per_gb), "0.00 EUR")
        self.assertEqual(self.cost(10**9, per_gb, virtual=10**10), "0.05 EUR")
        self.assertEqual(self.cost(10**9, virtual, virtual=10**10), "0.50 EUR")
        self.assertEqual(self.cost(10**9, virtual), "0.05 EUR")

    def test_cost_is_unknown_without_size_or_price(self) -> None:
        offer = SimpleNamespace(price=None, unit=None, currency="EUR", billable_size="stored")

        self.assertEqual(self.cost(1, offer), "-")
        self.assertEqual(self.cost(1, None), "-")
        self.assertEqual(self.cost(None, offer), "-")
