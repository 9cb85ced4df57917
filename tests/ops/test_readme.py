# SPDX-License-Identifier: Apache-2.0
"""The first calls of the README work as they stand, one after the other, in a shell like the reader's."""
import re
import subprocess

from support.server import ROOT

README = (ROOT / "README.md").read_text()


def blocks():
    section = README.split("## The first calls")[1].split("\n## ")[0]
    return re.findall(r"```sh\n(.*?)```", section, re.S)


def test_the_story_works_verbatim(tmp_path, server, demo_variables):
    (tmp_path / ".local").mkdir()
    variables = {**demo_variables, "PARTNERD_URL": f"http://{server.host}:{server.port}"}
    (tmp_path / ".local/run.env").write_text("".join(f"{name}='{value}'\n" for name, value in variables.items()))
    marker = "echo --- block\n"
    script = "set -euo pipefail\n" + marker.join(block.replace("/tmp/", f"{tmp_path}/") for block in blocks())
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    register, approve, read, why, tiers, money = done.stdout.split(marker.split()[1] + " block\n")
    assert register.strip() == '"submitted"'
    assert '"Nordwind Logistik"' in approve and approve.rstrip().endswith('"approved"')
    assert '"status": "approved"' in read and '"margin_bps": null' not in read
    assert '"protection_expires_at": "' in read and read.rstrip().endswith("404")
    assert '"type": "deal.approved"' in why and '"action": "deal.approved"' in why
    assert '"detail": "' in why and why.rstrip().endswith("true")
    assert '"value": ' in tiers and '"upcoming": ' in tiers
    assert '"earliest_demotion_on": "' in tiers and '"gap": ' in tiers
    assert '"partner_price": {' in money and '"rule": "first_line_support"' in money and '"from_on": "' in money
    assert '"is_exclusive": true' in money and '"amount_minor": 92000' in money


def test_every_path_that_the_readme_names_exists():
    for name in re.findall(r"`((?:api|include|scripts|sql|src|tests)/[\w./-]*)`", README):
        if "NNNN" not in name and not name.endswith("_"):
            assert (ROOT / name).exists(), name
