# SPDX-License-Identifier: Apache-2.0
"""openapi.yaml is read by Redocly and Spectral without an error or a warning, and agrees with the tables of the code.

The tools are in tests/contract/node_modules (`npm ci --prefix tests/contract`, done by scripts/test); without them the
tests fail. bad.openapi.yaml breaks each of our own rules once, to prove that they can fail.
"""
import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from checker import METHODS, load

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
OWN_RULES = re.findall(r"^  (partnerd-[a-z-]+):", (ROOT / ".spectral.yaml").read_text(), re.M)
QUIET = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true", "NO_COLOR": "1"}


def tool(name, *arguments):
    program = HERE / "node_modules/.bin" / name
    assert program.exists(), f"{program} is missing: npm ci --prefix tests/contract"
    return subprocess.run([str(program), *arguments], cwd=ROOT, env={**os.environ, **QUIET},
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300)


def header_table(path, macro, pattern):
    """The rows of an X-macro of include/."""
    text = (ROOT / "include" / path).read_text().split(f"#define {macro}(X)")[1]
    return re.findall(pattern, text[:re.search(r"[^\\]\n", text).end()])


def test_redocly_has_nothing_to_say():
    done = tool("redocly", "lint", "openapi.yaml", "--format", "stylish")
    assert done.returncode == 0, done.stdout
    assert "warning" not in done.stdout.lower(), done.stdout


def test_spectral_has_nothing_to_say():
    done = tool("spectral", "lint", "openapi.yaml", "--ruleset", ".spectral.yaml", "--fail-severity", "hint")
    assert done.returncode == 0, done.stdout
    assert "No results" in done.stdout, done.stdout


def test_each_of_our_rules_can_fail():
    done = tool("spectral", "lint", "tests/contract/bad.openapi.yaml", "--ruleset", ".spectral.yaml")
    assert done.returncode == 1, done.stdout
    silent = [rule for rule in OWN_RULES if rule not in done.stdout]
    assert len(OWN_RULES) > 10 and silent == [], done.stdout


def test_redocly_can_fail():
    assert tool("redocly", "lint", "tests/contract/bad.openapi.yaml").returncode == 1


def test_yaml_1_1_and_1_2_read_the_same():
    """Half the tools still read YAML 1.1, where NO, on, 1:30 and 2026-01-01 are something else."""
    class Core(yaml.SafeLoader):
        yaml_implicit_resolvers = {}

    for tag, pattern, first in (
            ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
            ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
            ("int", r"[-+]?[0-9]+", list("-+0123456789")),
            ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", list("-+.0123456789"))):
        Core.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(rf"(?:{pattern})\Z"), first)
    text = (ROOT / "openapi.yaml").read_text()
    assert yaml.load(text, Loader=Core) == yaml.safe_load(text)


def test_nothing_is_declared_and_unused():
    text = (ROOT / "openapi.yaml").read_text()
    unused = [f"{kind}/{name}" for kind, entries in load()["components"].items() if kind != "securitySchemes"
              for name in entries if f"'#/components/{kind}/{name}'" not in text]
    assert unused == []


@pytest.mark.parametrize("found, table", [
    (lambda schemas: schemas["ProblemCode"]["enum"],
     header_table("base/problem.h", "PROBLEMS", r"X\((\w+),")),
    (lambda schemas: schemas["Violation"]["properties"]["code"]["enum"],
     header_table("base/problem.h", "VIOLATIONS", r"X\((\w+)\)")),
    (lambda schemas: schemas["Scope"]["enum"],
     header_table("domain/access.h", "SCOPES", r'"([a-z:]+)"')),
    (lambda schemas: schemas["Role"]["enum"],
     header_table("domain/access.h", "ROLES", r"X\((\w+)\)")),
], ids=["problems", "violations", "scopes", "roles"])
def test_enums_are_the_tables_of_the_code(found, table):
    assert len(table) > 5
    assert found(load()["components"]["schemas"]) == table


def test_scopes_of_operations_are_declared_and_all_are_used():
    document = load()
    declared = document["components"]["securitySchemes"]["oauth2"]["flows"]["clientCredentials"]["scopes"]
    used = {scope for item in document["paths"].values() for method in METHODS if method in item
            for entry in item[method]["security"] for scope in entry["oauth2"]}
    assert list(declared) == header_table("domain/access.h", "SCOPES", r'"([a-z:]+)"')
    assert used == set(declared)


def test_problem_examples_have_the_titles_of_the_code():
    titles = {code: (int(status), title)
              for code, status, title in header_table("base/problem.h", "PROBLEMS", r'X\((\w+), (\d+), "([^"]*)"\)')}
    shown = [response["content"]["application/problem+json"]["example"]
             for response in load()["components"]["responses"].values()
             if "application/problem+json" in response.get("content", {})]
    assert len(shown) > 15
    for problem in shown:
        assert (problem["status"], problem["title"]) == titles[problem["code"]]
