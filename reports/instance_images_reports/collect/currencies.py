"""Facts of currencies that a statement is made with."""


def currency_digits(currency: str) -> int:
    """Return how many decimals amounts of the currency are paid in."""
    from babel.numbers import get_currency_precision

    return get_currency_precision(currency)
