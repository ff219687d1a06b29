"""Error reporters that send the variables of each frame, which don't contain claims or tokens."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from django.core.signals import got_request_exception
from django.http import HttpResponse

from boltguard import protect
from boltguard._rust import AuthContext
from boltguard.auth import Check, IsAuthenticated

from support import bearer, call, mount_view

pytest.importorskip("sentry_sdk")

SITE = Path(__file__).with_name("sentry_site.py")
CLAIM = "4711-a-claim-of-the-caller"
CREDENTIALS = bearer(sub="1", exp=4_102_444_800, email=CLAIM, address={"street": CLAIM}, roles=[CLAIM])
TOKEN = CREDENTIALS["Authorization"].split()[1]


@pytest.fixture(scope="module")
def reports():
    """The data that is sent for each view, including the frames of log records without an exception."""
    command = [sys.executable, str(SITE), json.dumps({"attach_stacktrace": True})]
    sent = json.dumps(CREDENTIALS)
    done = subprocess.run(command, input=sent, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def without_frames_of_others(value):
    """Django's test client and handlers have the headers of the request in variables."""
    if isinstance(value, list):
        return [without_frames_of_others(one) for one in value if not is_frame_of_others(one)]
    return {k: without_frames_of_others(v) for k, v in value.items()} if isinstance(value, dict) else value


def is_frame_of_others(value):
    module = value.get("module") if isinstance(value, dict) and "lineno" in value else None
    return module is not None and (value["function"] in OF_THE_SCRIPT or not module.startswith(OURS))


OF_THE_SCRIPT = ("main", "serve", "<dictcomp>", "<module>")
OURS = ("boltguard", "__main__")


def test_sentry_is_sent_no_claims_of_the_caller(reports):
    assert len(reports) == 17
    for kind, events in reports.items():
        assert sum("exception" in event for event in events) == 2, kind
        assert sum("exception" not in event for event in events) == 2, kind
        shown = json.dumps(without_frames_of_others(events))
        assert '"module": "boltguard.' in shown, kind
        assert [secret for secret in (CLAIM, TOKEN, TOKEN.split(".")[1]) if secret in shown] == [], kind


def test_a_context_in_a_variable_is_shown_as_its_caller_alone(reports):
    for kind in ("context in a variable, middleware", "async context in a variable, middleware"):
        assert "<AuthContext: authenticated via 'jwt'>" in json.dumps(reports[kind])


# Any reporter


def holds_caller(value, depth=3):
    if isinstance(value, AuthContext):
        return True
    if depth and isinstance(value, Mapping):
        return any(holds_caller(one, depth - 1) for one in value.values())
    if depth and isinstance(value, (list, tuple, set, frozenset)):
        return any(holds_caller(one, depth - 1) for one in value)
    return (
        depth > 0
        and hasattr(value, "__closure__")
        and any(holds_caller(cell.cell_contents, depth - 1) for cell in value.__closure__ or ())
    )


def frames(error):
    """The frames of the traceback, and their callers."""
    traceback = error.__traceback__
    frame = traceback.tb_frame.f_back
    while frame is not None:
        yield frame
        frame = frame.f_back
    while traceback is not None:
        yield traceback.tb_frame
        traceback = traceback.tb_next


def fails(request):
    raise LookupError


async def afails(request):
    raise LookupError


async def fine(request):
    return HttpResponse()


@pytest.mark.parametrize(
    "view",
    [
        protect(guards=[IsAuthenticated()])(fails),
        protect(guards=[IsAuthenticated()])(afails),
        protect(guards=[Check(fails)])(fine),
        protect(guards=[Check(afails)])(fine),
    ],
)
def test_frames_do_not_contain_the_caller(view):
    found = []

    def look(sender, **kwargs):
        error = sys.exc_info()[1]
        ours = [frame for frame in frames(error) if "/boltguard/" in frame.f_code.co_filename]
        names = [(frame.f_code.co_qualname if hasattr(frame.f_code, "co_qualname") else frame.f_code.co_name, name)
                 for frame in ours for name, value in frame.f_locals.items() if holds_caller(value)]  # fmt: skip
        found.append((len(ours) > 0, names))

    got_request_exception.connect(look)
    mount_view(view)
    try:
        assert call("get", "/view", bearer(sub="1", email=CLAIM)).status_code == 500
    finally:
        got_request_exception.disconnect(look)
    assert found == [(True, []), (True, [])]
