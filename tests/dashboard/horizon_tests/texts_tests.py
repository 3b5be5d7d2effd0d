"""Values as people read them."""

from decimal import Decimal
from types import SimpleNamespace

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

    def test_cost_is_size_times_price(self) -> None:
        per_gb = SimpleNamespace(price="0.05", unit="GB", currency="EUR")
        per_gib = SimpleNamespace(price="0.05", unit="GiB", currency="EUR")

        self.assertEqual(texts.month_cost(2_500_000_000, per_gb), Decimal("0.125"))
        self.assertEqual(texts.month_cost(2**31, per_gib), Decimal("0.1"))
        self.assertEqual(texts.month_cost_text(1000, per_gb), "< 0.01 EUR")
        self.assertEqual(texts.month_cost_text(0, per_gb), "0.00 EUR")
        for size_bytes, offer in (
            (None, per_gb),
            (1, None),
            (1, SimpleNamespace(price=None, unit=None, currency="EUR")),
        ):
            self.assertEqual(texts.month_cost_text(size_bytes, offer), "-")
