# SPDX-License-Identifier: Apache-2.0
"""What PostgreSQL reads to answer: the plans of a statement and of every statement in the functions that it calls.

They are the plans that were run, told by auto_explain, as the application's role and behind the walls that are set.
"""
import json
import re
from collections import deque
from contextlib import contextmanager
from pathlib import Path

import psycopg2

STATEMENTS = Path(__file__).resolve().parents[2] / "sql" / "statements"
MODES = ["force_custom_plan", "force_generic_plan"]


@contextmanager
def session(url, program, partner="*", mode="force_custom_plan"):
    """A transaction of the application's, rolled back in the end, whose plans are told."""
    connection = psycopg2.connect(url)
    connection.notices = deque()  # a list would keep the last fifty
    cursor = connection.cursor()
    cursor.execute("""
        load 'auto_explain';
        set auto_explain.log_min_duration = 0; set auto_explain.log_nested_statements = on; set auto_explain.log_analyze = on;
        set auto_explain.log_timing = off; set auto_explain.log_format = json; set auto_explain.log_level = notice;
        set jit = off; set local role partnerd_app""")
    cursor.execute("select set_config('app.program', %s, true), set_config('app.partner', %s, true), "
                   "set_config('plan_cache_mode', %s, true)", (program, partner, mode))
    yield cursor
    connection.rollback()
    connection.close()


def scans(cursor, sql, values=()):
    """(relation, index or None, rows read) of each scan that the statement and what it calls have run."""
    notices = cursor.connection.notices
    notices.clear()
    cursor.execute(sql, values)
    found = []

    def walk(node):
        if "Relation Name" in node and node["Node Type"] != "ModifyTable" and node["Actual Loops"] > 0:
            read = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
            found.append((node["Relation Name"], index_of(node), read * node["Actual Loops"]))
        for child in node.get("Plans", []):
            walk(child)

    for notice in notices:
        if "plan:" in notice:
            walk(json.loads(notice[notice.index("{"):])["Plan"])
    return found


def index_of(node):
    if "Index Name" in node:
        return node["Index Name"]
    below = [index_of(child) for child in node.get("Plans", [])]
    return below[0] if below else None


def statement(cursor, name, program, decision=None):
    """The same of a statement of sql/statements, prepared as the server does."""
    [text] = [text for file in STATEMENTS.glob("*.sql")
              for text in re.findall(rf"^-- name: {name}$(.*?)(?=^-- name: |\Z)", file.read_text(), re.S | re.M)]
    cursor.execute(f"prepare asked (uuid, uuid, uuid, jsonb, jsonb, jsonb, jsonb) as {text}")
    return scans(cursor, "execute asked (%s, null, null, null, %s, null, null)", (program, json.dumps(decision)))
