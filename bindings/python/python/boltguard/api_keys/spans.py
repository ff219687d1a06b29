"""Parses durations and points in time: `90d`, `12h`, `2027-01-31`, `2027-01-31T18:00`."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta

from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime


def parse_span(text: str) -> timedelta:
    """`30m`, `12h`, `7d` or `2w`; `0` for none."""
    if text == "0":
        return timedelta(0)
    found = re.fullmatch(r"(\d{1,5})([mhdw])", text)
    if found is None:
        raise ValueError(f"{text!r} is not a valid duration. Use 30m, 12h, 7d or 2w, for example.")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def parse_end(text: str) -> datetime | timedelta:
    """A duration from now, or a point in time: a date means midnight at its start."""
    if re.fullmatch(r"\d+[a-z]?", text):
        return parse_span(text)
    try:
        date, moment = parse_date(text), parse_datetime(text)
    except ValueError:
        date = moment = None
    if date is not None:
        moment = datetime.combine(date, time())
    if moment is None:
        raise ValueError(f"{text!r} is not a valid expiry time. Use 90d, 2027-01-31 or 2027-01-31T18:00, for example.")
    return timezone.make_aware(moment) if timezone.is_naive(moment) and timezone.is_aware(timezone.now()) else moment


_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
