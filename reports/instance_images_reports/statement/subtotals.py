"""What a statement's lines come to together: by location, and by image. Pure."""

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from instance_images_reports.statement.rounding import apportion, decimal_of
from instance_images_reports.statement.statement import Adjustment, Line, Share, Subtotal

SHOWN_ALONE = 10  # images; the others share what is left
_TENTHS_OF_PERCENT = 1000
_NOTHING = Decimal(0)


def subtotals_of(lines: Sequence[Line], adjustments: Sequence[Adjustment]) -> list[Subtotal]:
    """Return what lines and adjustments of each location add up to, sorted by location."""
    amounts: dict[str, Decimal] = {}
    images: defaultdict[str, set[str]] = defaultdict(set)
    for line in lines:
        amounts[line.location] = amounts.get(line.location, _NOTHING) + line.amount
        images[line.location].add(line.image_id)
    for one in adjustments:
        amounts[one.location] = amounts.get(one.location, _NOTHING) + one.amount
    return [
        Subtotal(location, len(images.get(location, ())), amounts[location])
        for location in sorted(amounts)
    ]


def shares_of(lines: Sequence[Line]) -> list[Share]:
    """Return the images that cost most, the first of them the dearest, and the others as one.

    Images of the same charge stand by their names, as in the table. There are no shares where no
    line comes to a billionth of the currency's unit.
    """
    by_image: dict[str, list[Line]] = {}
    exact: dict[str, int] = {}
    for line in lines:
        image_id = line.image_id
        nanos = int(line.amount_exact.scaleb(9))
        if image_id in exact:
            exact[image_id] += nanos
            by_image[image_id].append(line)
        else:
            exact[image_id] = nanos
            by_image[image_id] = [line]
    total = sum(exact.values())
    if not total:
        return []
    ranked = sorted(
        by_image, key=lambda image: (-exact[image], by_image[image][0].name.casefold(), image)
    )
    groups = [[image] for image in ranked[:SHOWN_ALONE]]
    if len(ranked) > SHOWN_ALONE:
        groups.append(ranked[SHOWN_ALONE:])
    parts = [Fraction(sum(exact[i] for i in group) * _TENTHS_OF_PERCENT, total) for group in groups]
    percents = apportion(parts, _TENTHS_OF_PERCENT)
    return [
        _share([line for image in group for line in by_image[image]], len(group), tenths)
        for group, tenths in zip(groups, percents, strict=True)
    ]


def _share(lines: Sequence[Line], images_count: int, tenths: int) -> Share:
    first = lines[0]
    is_alone = images_count == 1
    return Share(
        image_id=first.image_id if is_alone else "",
        name=first.name if is_alone else "",
        location=first.location if is_alone else "",
        images_count=images_count,
        amount=sum([line.amount for line in lines], _NOTHING),
        percent=decimal_of(tenths, 1),
    )
