# SPDX-License-Identifier: Apache-2.0
"""The contract as the tests see it: its operations, and the checker that judges every exchange against it."""
import functools
import importlib.util
import re

import yaml

from support.server import ROOT

METHODS = ("get", "put", "post", "patch", "delete")


@functools.lru_cache(maxsize=None)
def document():
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load((ROOT / "openapi.yaml").read_text(), Loader=loader)


class Operation:
    def __init__(self, method, path, item, body):
        self.method, self.path, self.id = method.upper(), path, body["operationId"]
        self.parameters = [resolve(entry) for entry in item.get("parameters", []) + body.get("parameters", [])]
        self.path_ids = re.findall(r"{(\w+)}", path)
        security = body.get("security", document().get("security", []))
        self.scopes = sorted({scope for entry in security for scopes in entry.values() for scope in scopes})
        self.is_public = not security or {} in security
        self.success = min(int(status) for status in body["responses"] if status.startswith("2"))
        self.body = body

    def parameter(self, name):
        return next((entry for entry in self.parameters if entry["name"].lower() == name.lower()), None)

    def requires(self, header):
        entry = self.parameter(header)
        return bool(entry and entry.get("required"))

    def __repr__(self):
        return self.id


def resolve(entry):
    while "$ref" in entry:
        node = document()
        for part in entry["$ref"].removeprefix("#/").split("/"):
            node = node[part.replace("~1", "/").replace("~0", "~")]
        entry = node
    return entry


@functools.lru_cache(maxsize=None)
def operations():
    return [Operation(method, path, item, item[method])
            for path, item in document()["paths"].items() for method in METHODS if method in item]


def operation(operation_id):
    return next(entry for entry in operations() if entry.id == operation_id)


@functools.lru_cache(maxsize=None)
def checker():
    spec = importlib.util.spec_from_file_location("contract_checker", ROOT / "tests/contract/checker.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def check(method, path, status, headers, body, request_body):
    """Fails with every way in which the exchange breaks the contract."""
    faults = checker().check_exchange(method, path, status, headers, body, request_body)
    assert not faults, f"{method} {path} → {status} breaks the contract:\n" + "\n".join(map(str, faults))
