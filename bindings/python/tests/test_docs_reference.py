"""The tables of `docs/reference`, compared with the code."""

import ast
import inspect
import re

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand
from django.test import override_settings

from boltguard import _rust, auth, conf
from boltguard.api_keys.management.commands import boltguard_apikey
from boltguard.checks.settings import READERS
from boltguard.jwt import RemoteKeySet
from boltguard.management.commands import boltguard_doctor, boltguard_policy, boltguard_prune, boltguard_routes
from boltguard.management.commands.boltguard_routes import _plain
from boltguard.routes.collect import Route

from reference import PACKAGE, REFERENCE, names, rows, section

BACKENDS = "backends-and-guards.md"
ARGUMENT = ("argument", "type", "default", "meaning")
STORES = [
    auth.InMemoryRevocation,
    auth.DjangoCacheRevocation,
    auth.DjangoORMRevocation,
    auth.ReplicatedRevocation,
]


# settings.md


def test_the_settings_their_aliases_and_defaults():
    listed = rows(section("settings.md"), "setting", "alias", "type", "default")
    assert {names(setting)[0]: names(alias)[0] for setting, alias, *_ in listed} == conf.ALIASES
    current, default = conf.Conf(), {names(setting)[0]: names(value)[0] for setting, _, _, value in listed}
    with override_settings():
        for name in [*conf.ALIASES, *conf.ALIASES.values()]:
            if hasattr(settings, name):
                delattr(settings, name)
        assert [type(one) for one in current.authentication] == [
            type(one) for one in evaluated(default[conf.AUTHENTICATION])
        ]
        assert current.guards == evaluated(default[conf.PERMISSIONS])
        assert current.api_key_format.prefix == evaluated(default[conf.API_KEY_PREFIX])
        assert current.middleware_mode == evaluated(default[conf.MIDDLEWARE_MODE])
        assert current.revoke_on == set(evaluated(default[conf.REVOKE_ON]))


INVALID = [
    (name, value)
    for name in conf.ALIASES
    for cell, _ in rows(section("settings.md", f"`{name}`"), "invalid value", "problem")
    for value in names(cell)
]


@pytest.mark.parametrize(("name", "value"), INVALID)
def test_an_invalid_setting(name, value):
    with override_settings(**{name: evaluated(value)}), pytest.raises(ImproperlyConfigured, match=name):
        READERS[name](conf.current())


def evaluated(expression, **more):
    return eval(expression, {**{name: getattr(auth, name) for name in auth.__all__}, **more})


# backends-and-guards.md

CLASSES = [
    auth.JWTAuthentication,
    auth.APIKeyAuthentication,
    auth.APIKeyStore,
    RemoteKeySet,
    auth.SigningKeys,
    auth.SigningKey,
    auth.SessionAuthentication,
    auth.ClientCertificate,
    auth.Identity,
]


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_the_arguments_of(kind):
    listed = rows(section(BACKENDS, f"`{kind.__name__}`"), *ARGUMENT)
    each = [(name, default) for cell, _, default, _ in listed for name in names(cell)]
    assert defaults(each) == parameters(kind)


def test_the_arguments_of_discover():
    listed = rows(section(BACKENDS, "`JWTAuthentication.discover`"), *ARGUMENT)
    *named, (last, _) = parameters(auth.JWTAuthentication.discover)
    assert defaults([(names(name)[0], default) for name, _, default, _ in listed]) == named
    assert last == "arguments"


def test_the_arguments_of_revocation_stores():
    listed = {}
    for call, _, default, _ in rows(section(BACKENDS, "Revocation stores"), *ARGUMENT):
        store, argument = re.findall(r"\w+", call)
        listed.setdefault(store, []).append((argument, default))
    assert {store: defaults(values) for store, values in listed.items()} == {
        store.__name__: parameters(store) for store in STORES
    }


def test_the_revocation_stores_and_their_methods():
    listed = rows(section(BACKENDS, "Revocation stores"), "store", "storage", "further methods", "system checks")
    assert [names(store)[0] for store, *_ in listed] == [store.__name__ for store in STORES]
    checks = section("checks.md", "Revocation stores")
    for store, _, methods, ids in listed:
        found = getattr(auth, names(store)[0])
        assert all(callable(getattr(found, method.removesuffix("()"))) for method in names(methods))
        assert all(f"`boltguard.{one}`" in checks for one in ids.split(", "))


def parameters(kind):
    """The arguments of a class with their defaults."""
    return [(name, as_list(one.default)) for name, one in inspect.signature(kind).parameters.items()]


def defaults(listed):
    """The same, in the format of a table."""
    return [
        (name, inspect.Parameter.empty if default == "required" else as_list(eval(names(default)[0])))
        for name, default in listed
    ]


def as_list(value):
    return list(value) if isinstance(value, tuple) else value


def test_the_guards_their_strings_and_reasons():
    listed = rows(section(BACKENDS, "Guards"), "guard", "string", "allows", "reason in logs if not")
    caller = _rust.Gate([auth.APIKeyAuthentication({"a-key"}).rust], auth.AllowAny().rust)
    context = caller.check({"HTTP_X_API_KEY": "a-key"})
    for guard, string, _, reason in listed:
        made = evaluated(names(guard)[0], function=function)
        assert str(made) == names(string)[0]
        said = str(made.explain(context, dict.fromkeys(made.custom_checks, False))).splitlines()[0]
        assert said == (f"deny: {names(reason)[0]}" if reason else "allow")
    public = [getattr(auth, name) for name in auth.__all__]
    guards = {one for one in public if isinstance(one, type) and issubclass(one, auth.Guard)}
    assert {type(evaluated(names(guard)[0], function=function)) for guard, *_ in listed} == guards - {auth.Guard}


def function(*arguments):
    return True


CALLS = [
    call
    for heading in re.findall(r"^#+ (.+)$", section(BACKENDS), re.M)
    if "| invalid call |" in section(BACKENDS, heading)
    for cell, _ in rows(section(BACKENDS, heading), "invalid call", "problem")
    for call in names(cell)
]


@pytest.mark.parametrize("call", CALLS)
def test_an_invalid_call(call):
    keys = auth.RemoteKeySet("https://id.example.com/keys")
    with pytest.raises(ImproperlyConfigured):
        evaluated(call, keys=keys)


# checks.md


def calls_of_checks():
    trees = [ast.parse(file.read_text("utf-8")) for file in PACKAGE.rglob("*.py")]
    calls = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [call for call in calls if ast.unparse(call.func) in ("checks.Error", "checks.Warning")]


def test_the_checks_and_their_levels():
    code = {}
    for call in calls_of_checks():
        (name,) = [keyword.value.value for keyword in call.keywords if keyword.arg == "id"]
        code.setdefault(name, set()).add(call.func.attr.lower())
    listed = [row for table in section("checks.md").split("\n## ")[1:] for row in rows(table, *CHECK)]
    assert len(listed) == len({name for name, *_ in listed}), "each is listed once"
    assert {names(name)[0]: {level} for name, level, *_ in listed} == code
    assert all(problem.endswith(".") and remedy.endswith(".") for *_, problem, remedy in listed)


def test_each_check_has_a_hint_and_an_object():
    found = calls_of_checks()
    assert len(found) > 20
    for call in found:
        assert len(call.args) == 2 and {one.arg for one in call.keywords} == {"obj", "id"}, ast.unparse(call)


CHECK = ("ID", "level", "problem", "remedy")


# reason-codes.md and http.md


def reason_codes():
    """The names and the codes of Rust's `ReasonCode`."""
    (source,) = re.findall(r"^reasons! \{\n(.*?)^\}", rust("boltguard-types/src/reason.rs"), re.M | re.S)
    return dict(re.findall(r'^    (\w+) = "(\w+)",$', source, re.M))


def client_codes():
    """The status and the code that a client receives, by reason code, if Rust lists the code individually."""
    source, of_names, code = rust("boltguard/src/public_error.rs"), reason_codes(), {}
    for status, function in [(401, "unauthorized"), (403, "forbidden"), (503, "unavailable")]:
        (body,) = re.findall(rf"^pub\(crate\) fn {function}\(.*?^}}", source, re.M | re.S)
        for pattern, client_code in re.findall(r'((?:ReasonCode::\w+|[ |\n])+) =>\s*[{(]\s*\(?\s*"(\w+)"', body):
            code.update({of_names[name]: (status, client_code) for name in re.findall(r"ReasonCode::(\w+)", pattern)})
    assert len(code) > 10
    return code


def rust(path):
    return (REFERENCE.parents[1] / "crates" / path).read_text("utf-8")


REASON = ("code", "meaning", "response", "remedy")


def listed_reasons():
    tables = [table for table in section("reason-codes.md").split("\n## ")[1:] if "| remedy |" in table]
    return [row for table in tables for row in rows(table, *REASON)]


def test_the_reason_codes():
    listed = [names(code)[0] for code, *_ in listed_reasons()]
    assert sorted(listed) == sorted(reason_codes().values())
    assert all(meaning.endswith(".") and remedy.endswith(".") for _, meaning, _, remedy in listed_reasons())


def test_the_responses_for_reason_codes():
    client_code = client_codes()
    for cell, _, response, _ in listed_reasons():
        (code,) = names(cell)
        for status, shown in re.findall(r"(\d+) `(\w+)`", response):
            if status == "403":
                assert shown == ("csrf_failed" if code == "csrf_failed" else "permission_denied"), code
            else:
                expected = (
                    (503, "revocation_unavailable") if code == "revocation_unavailable" else (401, "invalid_token")
                )
                assert (int(status), shown) == client_code.get(code, codes_of_sessions().get(code, expected)), code


def codes_of_sessions():
    """The reason codes that the views of sessions return unchanged, and their responses."""
    codes = [names(code)[0] for code, *_ in rows(section("reason-codes.md", "Refresh tokens"), *REASON)]
    return {code: (503 if code.endswith("_unavailable") else 401, code) for code in codes}


def test_the_reason_codes_that_only_python_logs():
    listed = [names(code)[0] for code, _ in rows(section("reason-codes.md", "Only in Python"), "code", "logged if")]
    source = "".join(file.read_text("utf-8") for file in PACKAGE.rglob("*.py"))
    logged = re.findall(r'(?:UserUnavailable\(|\b4(?:0[13]|29), )"(\w+)"', source)
    assert sorted(listed) == sorted(set(logged) - set(reason_codes().values()))


def test_the_codes_of_responses():
    source = "".join(file.read_text("utf-8") for file in PACKAGE.rglob("*.py"))
    python = {*re.findall(r'"code": "(\w+)"', source), *(f"invalid_{one}" for one in ("path", "query", "body"))}
    sessions = "".join(file.read_text("utf-8") for file in (PACKAGE / "sessions").glob("*.py"))
    python |= {*codes_of_sessions(), *re.findall(r'^    code = "(\w+)"', sessions, re.M)}
    client_code = {code for _, code in client_codes().values()}
    always = {"invalid_token", "permission_denied", "revocation_unavailable"}
    listed = rows(section("http.md", "Codes"), "code", "status", "meaning")
    assert {name for code, *_ in listed for name in names(code)} == python | client_code | always
    statuses = [status for status, _ in rows(section("http.md", "Statuses"), "status", "when")]
    assert {status for _, status, _ in listed} <= set(statuses)


# logging.md and commands.md


def test_the_loggers():
    listed = {(names(one)[0], names(level)[0]) for one, level, _ in rows(section("logging.md"), *LOGGED)}
    levels = {"debug": "DEBUG", "info": "INFO", "warning": "WARNING", "error": "ERROR", "exception": "ERROR"}
    found = set()
    for file in PACKAGE.rglob("*.py"):
        source = file.read_text("utf-8")
        loggers = dict(re.findall(r'^(\w+) = logging.getLogger\("([\w.]+)"\)', source, re.M))
        calls = re.findall(r"\b(\w+)\.(debug|info|warning|error|exception)\(", source)
        found |= {(loggers[name], levels[level]) for name, level in calls if name in loggers}
    assert listed == found


@pytest.mark.parametrize("module", [boltguard_routes, boltguard_policy, boltguard_prune, boltguard_doctor])
def test_the_arguments_of_a_command(module):
    listed = rows(section("commands.md", f"`{module.__name__.rpartition('.')[2]}`"), "argument", "default", "meaning")
    assert [names(argument)[0] for argument, *_ in listed] == own_arguments(module.Command())


def test_the_members_of_a_route_as_json():
    listed = rows(section("commands.md", "`boltguard_routes`"), "column", "member of an object", "contents")
    made = _plain(Route("GET", "/", "view"))
    assert sorted(name for _, members, _ in listed for name in names(members)) == sorted(made)
    assert [names(column)[0] for column, *_ in listed[1:] if column] == list(boltguard_routes.HEADINGS[1:])


def test_the_arguments_of_boltguard_apikey():
    listed = {}
    for action, argument, *_ in rows(section("commands.md", "`boltguard_apikey`"), *OF_ACTION):
        listed.setdefault((names(action) or [action])[0], []).append(names(argument)[0])
    of_all = listed.pop("all")
    parser = boltguard_apikey.Command().create_parser("manage.py", "boltguard_apikey")
    (actions,) = [one for one in parser._actions if one.dest == "action"]
    assert {name: [*own, *of_all] for name, own in listed.items()} == {
        name: arguments(one) for name, one in actions.choices.items()
    }


def test_the_columns_of_boltguard_apikey():
    (line,) = [line for line in section("commands.md").splitlines() if line.startswith("| `list` | a table")]
    assert names(line)[1:] == list(boltguard_apikey.HEADINGS)


def own_arguments(command):
    """The arguments that aren't common to all Django commands."""
    of_all = arguments(BaseCommand().create_parser("manage.py", "command"))
    return [one for one in arguments(command.create_parser("manage.py", "command")) if one not in of_all]


def arguments(parser):
    """The options of a parser, and the names of its other arguments."""
    return [one.option_strings[0] if one.option_strings else one.dest for one in parser._actions if one.dest != "help"]


LOGGED = ("logger", "level", "message")
OF_ACTION = ("action", "argument", "default", "meaning")
