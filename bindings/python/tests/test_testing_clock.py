"""`travel` and `python_clock`: the clock of tests."""

import subprocess
import sys
import threading
import time
from datetime import datetime, timedelta, timezone

import pytest

from boltguard import _rust, jwt
from boltguard.testing import FakeIssuer, python_clock, travel
from boltguard.testing.clock import VARIABLE

KEY = "a secret of at least thirty-two bytes"
NEW_YEAR = datetime(2040, 1, 1, tzinfo=timezone.utc)


def lead():
    """By how many seconds Boltguard's clock is ahead of Python's, rounded."""
    return round(_rust.time_ns() / 1e9 - time.time())


def test_a_token_expires_when_the_clock_moves():
    token = jwt.encode({"exp": time.time() + 60}, KEY)
    with travel(timedelta(seconds=55)) as clock:
        assert jwt.decode(token, KEY, ["HS256"])
        clock.shift(10)
        with pytest.raises(jwt.ExpiredSignatureError):
            jwt.decode(token, KEY, ["HS256"])
    assert jwt.decode(token, KEY, ["HS256"])


def test_the_clock_moves_to_a_date_a_number_of_seconds_or_by_a_duration():
    with travel(NEW_YEAR) as clock:
        assert clock.now - NEW_YEAR < timedelta(minutes=1)
        clock.move_to(NEW_YEAR.timestamp() - 3600)
        assert NEW_YEAR - clock.now > timedelta(minutes=59)
        clock.move_to(timedelta(hours=2))
        assert timedelta(minutes=59) < clock.now - NEW_YEAR < timedelta(minutes=61)
    assert lead() == 0


def test_a_clock_that_was_moved_runs_on():
    with travel(NEW_YEAR) as clock:
        first = _rust.time_ns()
        while _rust.time_ns() == first:
            pass
        assert clock.now > NEW_YEAR


def test_nested_travels_end_independently():
    outer, inner = travel(timedelta(hours=1)), travel(timedelta(hours=1))
    with outer:
        assert lead() == 3600
        inner.__enter__()
        assert lead() == 7200
    assert lead() == 7200
    inner.__exit__(None, None, None)
    assert lead() == 0


def test_an_exception_moves_the_clock_back():
    with pytest.raises(KeyError), travel(NEW_YEAR):
        raise KeyError
    assert lead() == 0


def test_all_threads_see_the_moved_clock():
    seen = []
    with travel(timedelta(days=1)):
        thread = threading.Thread(target=lambda: seen.append(lead()))
        thread.start()
        thread.join()
    assert seen == [86400]


@pytest.mark.parametrize(
    ("to", "message"),
    [
        (datetime(2040, 1, 1), "to is a naive datetime"),
        ("2040-01-01", "to is of type str"),
        (True, "to is True"),
        (float("nan"), "It must be a finite number"),
        (float("inf"), "It must be a finite number"),
        (datetime(1969, 12, 31, tzinfo=timezone.utc), "between the years 1970 and 2200"),
        (timedelta(days=100_000), "between the years 1970 and 2200"),
    ],
)
def test_an_invalid_time_is_rejected_and_leaves_the_clock_alone(to, message):
    with pytest.raises(ValueError, match=message), travel(to):
        pytest.fail("the clock was moved")
    assert lead() == 0


def test_the_clock_can_only_be_moved_within_the_statement():
    with travel(NEW_YEAR) as clock:
        pass
    with pytest.raises(RuntimeError, match="inside of the with statement"):
        clock.shift(1)
    assert lead() == 0


def child(code, **environment):
    """Runs the code in a process that isn't a test run."""
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


MOVE = f"""
import sys; sys.path[:] = {sys.path!r}
import time
from boltguard import _rust
from boltguard.testing import python_clock, travel
for call in (lambda: travel(4_000_000_000), python_clock):
    try:
        with call():
            print("moved")
    except RuntimeError as error:
        print(str(error).partition(",")[0])
print(abs(_rust.time_ns() / 1e9 - time.time()) < 60)
"""


def test_outside_of_a_test_run_the_clock_cannot_be_moved():
    assert child(MOVE).splitlines() == [
        "travel() changes when tokens expire",
        "python_clock() changes when tokens expire",
        "True",
    ]


@pytest.mark.parametrize("name", [VARIABLE, "PYTEST_VERSION"])
def test_an_environment_variable_declares_a_test_run(name):
    assert child(MOVE, **{name: "1"}).splitlines() == ["moved", "moved", "True"]


def test_djangos_test_environment_is_a_test_run():
    pytest.importorskip("django")
    setup = (
        "from django.conf import settings; settings.configure()\nfrom django.test.utils import setup_test_environment"
    )
    assert "moved" in child(MOVE.replace("import time\n", f"import time\n{setup}\nsetup_test_environment()\n", 1))


def test_unittest_is_a_test_run(tmp_path):
    test = "import unittest\nclass T(unittest.TestCase):\n    def test(self):\n"
    test += "".join(f"        {line}\n" for line in MOVE.strip().splitlines())
    (tmp_path / "test_it.py").write_text(test)
    command = [sys.executable, "-m", "unittest", "test_it"]
    done = subprocess.run(command, cwd=tmp_path, env={}, capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines() == ["moved", "moved", "True"], done.stderr


# Other libraries


def test_freezegun_is_obeyed():
    freezegun = pytest.importorskip("freezegun")
    with python_clock(), freezegun.freeze_time(NEW_YEAR) as frozen:
        token = jwt.encode({"exp": NEW_YEAR + timedelta(seconds=60)}, KEY)
        frozen.tick(59)
        assert jwt.decode(token, KEY, ["HS256"])
        frozen.tick(1)
        with pytest.raises(jwt.ExpiredSignatureError):
            jwt.decode(token, KEY, ["HS256"])


def test_time_machine_is_obeyed():
    time_machine = pytest.importorskip("time_machine")
    with python_clock(), time_machine.travel(NEW_YEAR, tick=False) as traveller:
        token = jwt.encode({"exp": NEW_YEAR + timedelta(seconds=60)}, KEY)
        traveller.shift(59)
        assert jwt.decode(token, KEY, ["HS256"])
        traveller.shift(1)
        with pytest.raises(jwt.ExpiredSignatureError):
            jwt.decode(token, KEY, ["HS256"])


def test_travel_is_relative_to_the_clock_of_python(monkeypatch):
    monkeypatch.setattr(time, "time_ns", lambda: 2_000_000_000 * 10**9)
    with python_clock():
        assert _rust.time_ns() == 2_000_000_000 * 10**9
        with travel(timedelta(seconds=5)) as clock:
            assert _rust.time_ns() == 2_000_000_005 * 10**9
            clock.move_to(NEW_YEAR)
            assert clock.now == NEW_YEAR
    with travel(NEW_YEAR) as clock, python_clock():
        assert clock.now >= NEW_YEAR


# The monotonic clock


def test_the_cooldown_of_an_issuer_passes_when_the_clock_moves():
    with FakeIssuer() as issuer:
        keys = jwt.RemoteKeySet(issuer.jwks_url, allow_http=True, ttl=7200, cooldown=600)

        def verify():
            return jwt.decode(issuer.token(), keys.keys_for(issuer.token()), ["ES256"], issuer=issuer.url)

        assert verify()["sub"] == "42"
        for move in (travel(timedelta(seconds=650)), travel(timedelta(seconds=650))):
            issuer.rotate()
            with pytest.raises(jwt.InvalidTokenError):
                verify()
            with move:
                assert verify()["sub"] == "42"


def test_a_clock_that_moves_back_does_not_make_keys_older_or_fresh_again():
    with FakeIssuer() as issuer:
        keys = jwt.RemoteKeySet(issuer.jwks_url, allow_http=True, ttl=600)
        keys.keys()
        with travel(timedelta(seconds=-300)):
            keys.keys()
        keys.keys()
        assert len(issuer.paths) == 1
        with travel(timedelta(seconds=700)):
            keys.keys()
        assert len(issuer.paths) == 2
        keys.keys()
        assert len(issuer.paths) == 2


def test_a_jump_of_a_replaced_clock_makes_keys_stale(monkeypatch):
    moved = [2_000_000_000 * 10**9]
    monkeypatch.setattr(time, "time_ns", lambda: moved[0])
    with python_clock(), FakeIssuer() as issuer:
        keys = jwt.RemoteKeySet(issuer.jwks_url, allow_http=True, ttl=600)
        keys.keys()
        keys.keys()
        assert len(issuer.paths) == 1
        moved[0] += 700 * 10**9
        keys.keys()
        assert len(issuer.paths) == 2
