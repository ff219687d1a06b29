"""The public API in `docs/reference`: the Python names, and the Rust crates."""

import importlib.util
import inspect
import re

import pytest

from boltguard import exceptions

from reference import PACKAGE, REFERENCE, names, rows, section

API = "python-api.md"
CRATES = REFERENCE.parents[1] / "crates"


def public_modules():
    """A dict from names to the modules with `__all__`."""
    public = {}
    for file in PACKAGE.rglob("*.py"):
        name = ".".join(["boltguard", *file.relative_to(PACKAGE).with_suffix("").parts]).removesuffix(".__init__")
        if re.search(r"^__all__ = ", file.read_text("utf-8"), re.M):
            public[name] = importlib.import_module(name)
    return public


def test_the_public_modules():
    public = public_modules()
    of_pyjwt = [name.removeprefix("boltguard.jwt.") for name in public if name.startswith("boltguard.jwt.")]
    assert all(importlib.util.find_spec(f"jwt.{name}") for name in of_pyjwt), "modules of PyJWT"
    (sentence,) = re.findall(r"Its submodules (.*?) have", section(API, "boltguard.jwt"), re.S)
    assert names(sentence) == sorted(of_pyjwt)
    listed = re.findall(r"^## (.+)$", section(API), re.M)
    assert sorted([*listed, *(f"boltguard.jwt.{name}" for name in of_pyjwt)]) == sorted(public)
    for name, module in public.items():
        assert [one for one in module.__all__ if not hasattr(module, one)] == [], name


TABLES = sorted(public_modules().keys() & set(re.findall(r"^## (.+)$", section("python-api.md"), re.M)))


@pytest.mark.parametrize("name", [name for name in TABLES if name not in ("boltguard.exceptions", "boltguard.signals")])
def test_the_names_of(name):
    module = public_modules()[name]
    listed = [names(cell)[0] for cell, _ in rows(section(API, name), "name", "description")]
    of_exceptions = exceptions.__all__ if name == "boltguard.jwt" else ()
    assert [re.match(r"\w+", one)[0] for one in listed] == [one for one in module.__all__ if one not in of_exceptions]
    for signature in listed:
        called, _, parameters = signature.partition("(")
        if parameters and "…" not in parameters:
            described = inspect.signature(eval(f"lambda {parameters[:-1]}: None"))
            assert plain(described) == plain(inspect.signature(getattr(module, called))), signature


def plain(signature):
    """The parameters without annotations, and without those that must not be passed."""
    return [(name, one.kind, one.default) for name, one in signature.parameters.items() if not name.startswith("_")]


def test_the_exceptions():
    listed = rows(section(API, "boltguard.exceptions"), "exception", "base classes", "`code`", "raised if")
    described = [(names(one)[0], names(bases), names(code)) for one, bases, code, _ in listed]
    classes = [getattr(exceptions, name) for name in exceptions.__all__]
    assert described == [
        (one.__name__, [base.__name__ for base in one.__bases__], [one.code] if hasattr(one, "code") else [])
        for one in classes
    ]
    _, text = section(API, "boltguard.exceptions").split("| the algorithm doesn't exist |\n")
    for called, parameters in re.findall(r"`(\w+)\(([^`]+)`", text):
        described = inspect.signature(eval(f"lambda {parameters[:-1]}: None"))
        assert plain(described) == plain(inspect.signature(getattr(exceptions, called)))


# rust-crates.md


def manifests():
    """The contents of `Cargo.toml` of each published crate."""
    texts = {path.parent.name: path.read_text("utf-8") for path in CRATES.glob("*/Cargo.toml")}
    return {name: text for name, text in texts.items() if "publish = false" not in text}


def test_the_crates_and_their_names_in_boltguard():
    listed = rows(section("rust-crates.md"), "crate", "in `boltguard`", "use it for")
    assert [names(crate)[0] for crate, *_ in listed] == sorted(manifests())
    source = (CRATES / "boltguard" / "src" / "lib.rs").read_text("utf-8")
    exported = re.findall(r"^pub use (boltguard_\w+) as (\w+);", source, re.M)
    assert {names(crate)[0]: names(name)[0] for crate, name, _ in listed if name} == {
        crate.replace("_", "-"): name for crate, name in exported
    }


def test_the_features_of_the_crates():
    text = section("rust-crates.md", "Features")
    listed = [(names(crate)[0], name) for crate, cell, _ in rows(text, *FEATURE) for name in names(cell)]
    tests = [(crate, name) for name, crate in re.findall(r"`([\w-]+)` of `([\w-]+)`(?= and| are| is)", text)]
    features = [
        (crate, name)
        for crate, manifest in manifests().items()
        for table in re.findall(r"^\[features\]\n(.*?)^$", manifest, re.M | re.S)
        for name in re.findall(r"^([\w-]+) = ", table, re.M)
    ]
    assert sorted([*listed, *tests]) == sorted(features)


def test_crates_with_features_choose_those_of_their_documentation():
    for name, manifest in manifests().items():
        assert ("[features]" in manifest) <= ("[package.metadata.docs.rs]" in manifest), name


def test_the_minimum_version_of_rust():
    workspace = (CRATES.parent / "Cargo.toml").read_text("utf-8")
    (version,) = re.findall(r'^rust-version = "([\d.]+)"', workspace, re.M)
    assert f"require Rust {version}," in section("rust-crates.md")
    versions = (REFERENCE.parent / "versions.md").read_text("utf-8")
    assert f"| Rust | {version} or newer |" in versions


FEATURE = ("crate", "feature", "effect")
