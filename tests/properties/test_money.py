# SPDX-License-Identifier: Apache-2.0
"""Laws of money (domain.md §5.9), for whatever amounts: the C code against exact fractions.

Hypothesis makes the questions, of every size up to the limits and with the limits themselves; money_driver answers them.
The oracle knows nothing of 128 bits: Python's whole numbers have no end.
"""
import os
import pathlib
import re
import subprocess
from fractions import Fraction

import pytest
from hypothesis import assume, example, given, settings, strategies as st

ROOT = pathlib.Path(__file__).resolve().parents[2]
DRIVER = pathlib.Path(os.environ.get("PARTNERD_BUILD_DIR", ROOT / "build" / "dev")) / "money_driver"
MOST = 2**53 - 1
EXPONENTS = {"EUR": 2, "USD": 2, "JPY": 0, "KRW": 0, "KWD": 3, "BHD": 3, "CLF": 4, "UYW": 4}
many = settings(max_examples=300, deadline=None, derandomize=True, database=None)

# Of every size: small amounts, where rounding shows, as often as large ones.
sizes = st.integers(0, 53).flatmap(lambda bits: st.integers(0, 2**bits - 1))
amounts = st.builds(lambda size, sign: size * sign, sizes, st.sampled_from([1, -1])) | st.sampled_from([MOST, -MOST])
anything = st.integers(-2**63, 2**63 - 1)
currencies = st.sampled_from(sorted(EXPONENTS))


@pytest.fixture(scope="module")
def ask():
    assert DRIVER.exists(), f"{DRIVER} is missing"
    driver = subprocess.Popen([DRIVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)

    def answer(*words):
        driver.stdin.write(" ".join(str(word) for word in words) + "\n")
        driver.stdin.flush()
        line = driver.stdout.readline().split()
        assert line or words[0] in ("split", "allocate"), f"no answer to {words}"
        return None if line == ["-"] else line if words[0] == "decimal" else [int(word) for word in line]

    yield answer
    driver.stdin.close()
    assert driver.wait(10) == 0, "a sanitizer had something to say"


def rounded(exact):
    """To a whole number, half away from zero."""
    whole = (2 * abs(exact) + 1) // 2
    return int(whole) if exact >= 0 else -int(whole)


def within(value):
    return [value] if abs(value) <= MOST else None


# ---- shares and ratios ----
@many
@given(amounts, st.integers(-20_000, 20_000))
@example(100, 1250)
@example(-100, 1250)
@example(MOST, 10_000)
@example(MOST, 10_001)
def test_a_share_is_the_exact_one_rounded_once(ask, amount, bps):
    answer = ask("share", amount, bps)
    assert answer == within(rounded(Fraction(amount * bps, 10_000)))
    mirrored = ask("share", -amount, bps)
    assert mirrored == (answer and [-answer[0]]), "the sign makes no difference"


@many
@given(anything, anything, anything)
@example(-2**63, -2**63, 1)
@example(-2**63, 2**63 - 1, 2**63 - 1)
@example(2**63 - 1, 2**63 - 1, 2**63 - 1)
def test_no_ratio_overflows(ask, amount, numerator, denominator):
    expected = within(rounded(Fraction(amount * numerator, denominator))) if denominator > 0 else None
    assert ask("ratio", amount, numerator, denominator) == expected


# ---- splits ----
@st.composite
def shares(draw):
    cuts = sorted(draw(st.lists(st.integers(0, 10_000), max_size=11)))
    return [high - low for low, high in zip([0, *cuts], [*cuts, 10_000])]


def is_fair(amount, weights, parts):
    """Nobody is a whole unit off, whoever got the larger remainder is not behind, ties go to the earlier."""
    total = sum(weights)
    exact = [Fraction(abs(amount) * weight, total) for weight in weights]
    given_up = [abs(part) - int(share) for part, share in zip(parts, exact)]
    assert set(given_up) <= {0, 1}
    remainders = [share - int(share) for share in exact]
    order = sorted(range(len(weights)), key=lambda index: (-remainders[index], index))
    assert [given_up[index] for index in order] == sorted(given_up, reverse=True)


@many
@given(amounts, shares())
@example(5, [5000, 2500, 2500])
def test_the_parts_of_a_split_are_the_whole(ask, amount, parts_bps):
    parts = ask("split", amount, *parts_bps)
    assert sum(parts) == amount
    is_fair(amount, parts_bps, parts)
    assert ask("split", -amount, *parts_bps) == [-part for part in parts]


@many
@given(amounts, st.lists(st.integers(-10, 10_010), min_size=1, max_size=12))
def test_shares_that_do_not_add_up_are_refused(ask, amount, parts_bps):
    assume(sum(parts_bps) != 10_000 or min(parts_bps) < 0)
    assert ask("split", amount, *parts_bps) is None


@many
@given(amounts, st.lists(st.integers(0, 2**63 - 1) | sizes, min_size=1, max_size=12))
@example(MOST, [2**63 - 1] * 12)
@example(MOST, [1, 2**63 - 1, 0])
def test_the_parts_of_an_allocation_are_the_whole(ask, amount, weights):
    parts = ask("allocate", amount, *weights)
    if sum(weights) == 0:
        assert parts is None
        return
    assert sum(parts) == amount
    is_fair(amount, weights, parts)
    assert all(part == 0 for part, weight in zip(parts, weights) if weight == 0)
    assert ask("allocate", -amount, *weights) == [-part for part in parts]


# ---- decimals ----
WRITTEN = re.compile(r"(0|[1-9][0-9]{0,8})(\.[0-9]{1,12})?")


def is_rate(text):
    return bool(WRITTEN.fullmatch(text) and len(text.replace(".", "").lstrip("0")) <= 18 and re.search("[1-9]", text))


rates = st.builds(lambda digits, decimals: f"{digits:0{decimals + 1}d}"[:-decimals or None] + (
    "." + f"{digits:0{decimals + 1}d}"[-decimals:] if decimals else ""),
    st.integers(0, 18).flatmap(lambda size: st.integers(1, 10**size)), st.integers(0, 12)).filter(is_rate)


@many
@given(rates | st.text("0123456789.-+e, ", min_size=1, max_size=24).map(lambda text: text.replace(" ", "")).filter(bool))
@example("999999999.999999999")
@example("123456789.123456789012")
@example("0.000000000001")
@example("00.1")
def test_a_decimal_is_read_exactly_or_not_at_all(ask, text):
    again = ask("decimal", text)
    assert (again is not None) == is_rate(text)
    if again:
        assert Fraction(again[0]) == Fraction(text)
        assert ask("decimal", again[0]) == again, "one form for one value"


# ---- conversions ----
legs = st.lists(st.tuples(rates, st.booleans()), max_size=2)


def exact_worth(amount, from_currency, to_currency, way):
    exact = Fraction(amount) * Fraction(10) ** (EXPONENTS[to_currency] - EXPONENTS[from_currency])
    for rate, is_inverse in way:
        exact = exact / Fraction(rate) if is_inverse else exact * Fraction(rate)
    return exact


def convert(ask, amount, from_currency, to_currency, way):
    words = [word for rate, is_inverse in way for word in (rate, int(is_inverse))]
    return ask("convert", amount, from_currency, to_currency, *words)


@many
@given(amounts, currencies, currencies, legs)
@example(100_000, "USD", "EUR", [("0.9200", False)])
@example(MOST, "JPY", "CLF", [("999999999.999999999", False), ("999999999.999999999", False)])
@example(MOST, "CLF", "JPY", [("999999999.999999999", True), ("999999999.999999999", True)])
@example(MOST, "JPY", "CLF", [("0.000000000001", True), ("0.000000000001", True)])
def test_a_conversion_is_the_exact_one_rounded_once(ask, amount, from_currency, to_currency, way):
    answer = convert(ask, amount, from_currency, to_currency, way)
    assert answer == within(rounded(exact_worth(amount, from_currency, to_currency, way)))
    assert convert(ask, -amount, from_currency, to_currency, way) == (answer and [-answer[0]])


@many
@given(amounts, currencies, currencies, rates)
def test_there_and_back_again(ask, amount, from_currency, to_currency, rate):
    """Off by no more than the rounding of the way there is worth on the way back, and that of the way back."""
    there = convert(ask, amount, from_currency, to_currency, [(rate, False)])
    assume(there is not None)
    back = convert(ask, there[0], to_currency, from_currency, [(rate, True)])
    slack = exact_worth(1, to_currency, from_currency, [(rate, True)]) / 2 + Fraction(1, 2)
    if back is None:
        assert abs(amount) + slack > MOST
    else:
        assert abs(back[0] - amount) <= slack


@many
@given(amounts.filter(bool), amounts, amounts)
@example(100_000, 92_000, -100_000)
def test_what_was_converted_is_taken_back_by_the_rate_of_then(ask, amount, converted, part):
    assert ask("frozen", amount, converted, part) == within(rounded(Fraction(converted * part, amount)))
    assert ask("frozen", amount, converted, -amount) == [-converted], "all of it is exactly what was booked"
    assert ask("frozen", 0, converted, part) is None
