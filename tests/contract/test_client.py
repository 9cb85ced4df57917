# SPDX-License-Identifier: Apache-2.0
"""A TypeScript client generated from openapi.yaml: the sample compiles with --strict and works against the server, and
each deliberate mistake in wrong.ts is an error of the compiler."""
import json
import os
import re
import shutil
import subprocess
import uuid
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
MODULES = HERE / "node_modules"


def run(folder, program, *arguments, **environment):
    path = MODULES / ".bin" / program
    assert path.exists(), f"{path} is missing: npm ci --prefix tests/contract"
    return subprocess.run([str(path), *arguments], cwd=folder, env={**os.environ, "NO_COLOR": "1", **environment},
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """client/ with generated types in a folder of its own, so that nothing generated lands in the tree."""
    folder = tmp_path_factory.mktemp("client")
    for file in (HERE / "client").iterdir():
        shutil.copy(file, folder)
    (folder / "node_modules").symlink_to(MODULES)
    (folder / "package.json").write_text('{"type": "module"}')
    done = run(folder, "openapi-typescript", str(ROOT / "openapi.yaml"), "-o", "schema.d.ts")
    assert done.returncode == 0, done.stdout
    return folder


@pytest.fixture(scope="module")
def compiled(project):
    (project / "tsconfig.sample.json").write_text(json.dumps(
        {"extends": "./tsconfig.json", "files": ["sample.ts"], "compilerOptions": {"noEmit": False}}))
    return run(project, "tsc", "-p", "tsconfig.sample.json")


def test_the_sample_compiles(compiled):
    assert compiled.returncode == 0, compiled.stdout


def test_every_mistake_is_an_error(project):
    (project / "tsconfig.wrong.json").write_text(json.dumps({"extends": "./tsconfig.json", "files": ["wrong.ts"]}))
    done = run(project, "tsc", "-p", "tsconfig.wrong.json")
    reported = {int(line) for line in re.findall(r"^wrong\.ts\((\d+),", done.stdout, re.M)}
    lines = (project / "wrong.ts").read_text().splitlines()
    planted = {number for number, line in enumerate(lines, 1) if "// wrong: " in line}
    assert done.returncode != 0 and len(planted) == 10
    assert reported == planted, done.stdout


def test_the_sample_works(project, compiled, server, demo_variables):
    assert compiled.returncode == 0, compiled.stdout
    settings = {**demo_variables, "PARTNERD_URL": f"http://{server.host}:{server.port}",
                "OPPORTUNITY": uuid.uuid4().hex}
    done = subprocess.run(["node", "main.mjs"], cwd=project, env={**os.environ, **settings},
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    deal = json.loads(done.stdout)
    assert deal["status"] == "approved" and deal["customer_name"] == "Stadtwerke Rosenheim GmbH"
    assert deal["margin_amount"]["amount_minor"] > 0 and deal["description"] is None
    assert deal["timeline"][-1] == "deal.approved"
