# SPDX-License-Identifier: Apache-2.0
"""The checks of scripts/lint find what they are there to find, and nothing in a tree that is right."""
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

HEADERS = ["base/text.h", "contract/contract.h", "domain/deal.h", "db/db.h", "http/request.h", "jobs/jobs.h"]

RIGHT = {
    "src/base/text.c": '#include "base/text.h"\n#include <time.h>\n',
    "src/domain/deal.c": '#include "domain/deal.h"\n#include "base/text.h"\n#include <string.h>\n',
    "src/db/pool.c": '#include "db/pool.h"\n#include <libpq-fe.h>\n',
    "src/db/pool.h": '#include "db/db.h"\n',
    "src/http/server.c": '#include "contract/contract.h"\n#include "db/db.h"\n#include "domain/deal.h"\n#include <ulfius.h>\n',
    "src/jobs/runner.c": '#include "http/request.h"\n#include "db/db.h"\n',
    "src/http/gate.h": "",
    "src/main.c": '#include "jobs/jobs.h"\n#include "http/request.h"\n#include "http/gate.h"\n',
    "api/deals.c": '#include "http/request.h"\n#include "domain/deal.h"\n#include <jansson.h>\n',
}

WRONG = [
    ("src/base/text.c", '#include "db/db.h"', "base may not see db"),
    ("src/base/text.c", '#include "http/request.h"', "base may not see http"),
    ("src/contract/yaml.c", '#include "db/db.h"', "contract may not see db"),
    ("src/contract/yaml.c", '#include "domain/deal.h"', "contract may not see domain"),
    ("src/domain/deal.c", '#include "db/db.h"', "domain may not see db"),
    ("src/domain/deal.c", '#include "http/request.h"', "domain may not see http"),
    ("src/domain/deal.c", "#include <libpq-fe.h>", "is not for domain"),
    ("src/domain/deal.c", "#include <ulfius.h>", "is not for domain"),
    ("src/domain/deal.c", "#include <jansson.h>", "is not for domain"),
    ("src/domain/deal.c", "#  include  <time.h>", "is not for domain"),
    ("src/db/pool.c", '#include "http/request.h"', "db may not see http"),
    ("src/db/pool.c", "#include <ulfius.h>", "is not for db"),
    ("src/http/server.c", '#include "jobs/jobs.h"', "http may not see jobs"),
    ("src/http/server.c", '#include "db/pool.h"', "is private to db"),
    ("src/http/server.c", "#include <libpq-fe.h>", "is not for http"),
    ("src/jobs/runner.c", '#include "contract/contract.h"', "jobs may not see contract"),
    ("src/main.c", "#include <libpq-fe.h>", "is not for main"),
    ("api/deals.c", '#include "jobs/jobs.h"', "api may not see jobs"),
    ("api/deals.c", '#include "db/pool.h"', "is not found"),
    ("api/deals.c", '#include "../src/db/pool.h"', "is private to db"),
    ("api/deals.c", "#include <libpq-fe.h>", "is not for api"),
    ("api/deals.c", "#include <ulfius.h>", "is not for api"),
    ("include/db/db.h", '#include "db/pool.h"', "is private, and this header is public"),
    ("include/domain/deal.h", '#include "http/request.h"', "domain may not see http"),
    ("src/base/text.c", '#include "base/nowhere.h"', "is not found"),
    ("src/extras/new.c", "#include <string.h>", "has no row"),
]


def plant(folder, files):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(path.read_text() + text if path.exists() else text)


def run(script, folder):
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / script, folder], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout


@pytest.fixture
def tree(tmp_path):
    plant(tmp_path, {f"include/{name}": "" for name in HEADERS})
    plant(tmp_path, RIGHT)
    return tmp_path


def test_includes_that_run_the_right_way_pass(tree):
    assert run("includes.py", tree) == (0, "")


@pytest.mark.parametrize("path,line,fault", WRONG, ids=[f"{path}-{line.split()[-1]}" for path, line, _ in WRONG])
def test_a_wrong_include_is_found(tree, path, line, fault):
    plant(tree, {path: line + "\n"})
    status, output = run("includes.py", tree)
    assert status == 1
    assert [found for found in output.splitlines() if found.startswith(path + ":") and fault in found], output


def test_an_include_in_a_comment_is_no_include(tree):
    plant(tree, {"src/domain/deal.c": '/*\n#include "db/db.h"\n*/\n//#include <jansson.h>\n'})
    assert run("includes.py", tree) == (0, "")


def function(lines):
    """A function whose body, braces included, has so many lines."""
    return "int long_one(int a)\n{\n" + "\ta++;\n" * (lines - 2) + "}\n"


@pytest.mark.parametrize("text,fault", [
    pytest.param(function(80), None, id="function of 80"),
    pytest.param(function(81), "long_one has 81 lines", id="function of 81"),
    pytest.param('static const char *const names[] = {\n' + '\t"{",\n' * 200 + "};\n", None, id="array of 200"),
    pytest.param("int a;\n" * 700, None, id="file of 700"),
    pytest.param("int a;\n" * 701, "701 lines", id="file of 701"),
    pytest.param("/* house: table */\n" + "int a;\n" * 701, None, id="table of 702"),
    pytest.param("\t" + "x" * 112 + "\n", None, id="120 columns"),
    pytest.param("\t" + "x" * 113 + "\n", "121 columns", id="121 columns"),
])
def test_the_maxima_of_the_house(tmp_path, text, fault):
    plant(tmp_path, {"src/base/one.c": text})
    status, output = run("house.py", tmp_path)
    assert status == (1 if fault else 0), output
    assert (fault or "") in output
    assert fault or output == ""


def test_the_tree_itself_passes():
    assert run("includes.py", ROOT) == (0, "")
