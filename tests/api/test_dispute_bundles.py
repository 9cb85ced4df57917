# SPDX-License-Identifier: Apache-2.0
"""The bundle of a dispute: frozen when the evidence closes, signed, and judged from the file alone.

Who tampers here has the file and an editor; whoever holds the installation's key cannot be told from the installation.
"""
import hashlib
import json
import subprocess

import pytest

from support.client import Client
from support.judge import nobody
from support.server import BINARY
from support.tokens import encode
from test_audit_export import forged_key, openssl
from test_disputes import DOCUMENT

SIDES = ["vendor", "claimant", "respondent"]


@pytest.fixture(scope="module")
def case(world):
    """A dispute about who was first, with evidence of everybody, frozen, and the bundle each side downloads."""
    a, b = world.partner("a"), world.partner("b")
    first = world.deal_in("approved", b, customer_name="Northwind of B", customer_contact_email="x@b.example")
    second = world.deal_in("submitted", a, customer_name="Northwind of A")
    second = world.admin.patch(f"/v1/deals/{second['id']}", {"review_note": "The holder is B."}, if_match="*", expect=200)
    second = world.act("deals", second.json, "reject", {"reason": "Taken."})
    row = world.open_dispute(second, by=a.api, ground="order_of_submission")
    row = world.act("disputes", row, "start-evidence", {"respondent_deal_id": first["id"]})
    evidence = {"claimant": world.submit_evidence(row, by=a.api, title="Ours", document=DOCUMENT),
                "respondent": world.submit_evidence(row, by=b.api, title="Theirs", text="Nobody else may read this."),
                "vendor": world.submit_evidence(row, title="Internal", text="Between us.")}
    a.api.get(f"/v1/disputes/{row['id']}/bundle", expect=409, problem="bundle_not_ready")
    for client in (a.api, b.api):
        client.post(f"/v1/disputes/{row['id']}/finish-evidence", {}, if_match="*", expect=200)
    row = world.until_frozen(row)
    bundles = {side: download(client, row) for side, client in (
        ("vendor", world.admin), ("claimant", a.api), ("respondent", b.api))}
    return {"row": row, "a": a, "b": b, "first": first, "second": second, "evidence": evidence, "bundles": bundles}


def download(client, row, **query):
    answer = client.get(f"/v1/disputes/{row['id']}/bundle", query)
    assert answer.headers["Content-Type"] == "application/x-ndjson"
    return answer.body.decode()


def lines_of(text):
    return [json.loads(line) for line in text.splitlines()]


def text_of(lines):
    return "".join(json.dumps(line) + "\n" for line in lines)


@pytest.fixture
def judge(tmp_path):
    """Writes a file and says what the verifier says with nothing in its environment: (status, stdout, stderr)."""
    def say(content, *arguments):
        path = tmp_path / "bundle.ndjson"
        path.write_text(content)
        done = subprocess.run([str(BINARY), "dispute", "verify", str(path), *arguments], env={}, capture_output=True,
                              text=True, timeout=60)
        return done.returncode, done.stdout, done.stderr
    return say


@pytest.fixture
def trusted(server, tmp_path):
    path = tmp_path / "jwks.json"
    path.write_bytes(Client(server).get("/.well-known/jwks.json").body)
    return str(path)


@pytest.mark.parametrize("side", SIDES)
def test_it_verifies_offline(case, judge, trusted, side):
    status, said, error = judge(case["bundles"][side], "--keys", trusted)
    assert status == 0, said + error
    assert ": valid, " in said and f"dispute {case['row']['number']} " in said and f"for the {side}" in said
    assert "(not checked)" not in said and "(not checked)" in judge(case["bundles"][side])[1]
    assert ("claim of the claimant" in said, "claim of the respondent" in said) == {
        "vendor": (True, True), "claimant": (True, False), "respondent": (False, True)}[side]


@pytest.mark.parametrize("side", SIDES)
def test_an_independent_verifier(case, world, side):
    """As the README describes the format; the order of submissions follows from the chain alone."""
    text = case["bundles"][side]
    lines = lines_of(text)
    end = lines[-1]
    body = text[:text.rindex("\n", 0, -1) + 1]
    assert end["lines"] == len(lines) - 1 and end["sha256"] == hashlib.sha256(body.encode()).hexdigest()
    shown = world.refresh(case["row"])
    own = {"vendor": shown["vendor_bundle_sha256"], "claimant": shown["bundle_sha256"],
           "respondent": case["b"].api.get(f"/v1/disputes/{shown['id']}")["bundle_sha256"]}[side]
    assert hashlib.sha256(text.encode()).hexdigest() == own
    chain = {entry["sequence"]: entry["hash"] for entry in world.admin.list("/v1/audit-log")}
    head = None
    for line in lines:
        if line["object"] == "audit_segment":
            head = line["prev_hash"]
        if line["object"] in ("audit_entry", "audit_link"):
            head = hashlib.sha256(bytes.fromhex(head) + bytes.fromhex(line["entry_hash"])
                                  + line["seq"].to_bytes(8, "big")).hexdigest()
            assert head == chain[line["seq"]]
        if line["object"] == "audit_checkpoint":
            assert head == line["hash"]


def test_what_the_vendor_is_given(case):
    lines = lines_of(case["bundles"]["vendor"])
    deals = [line for line in lines if line["object"] == "dispute_deal"]
    assert [deal["row"]["id"] for deal in deals] == [case["first"]["id"], case["second"]["id"]], "in order of submission"
    assert deals[0]["claim_sequence"] < deals[1]["claim_sequence"]
    assert deals[1]["row"]["review_note"] == "The holder is B." and deals[1]["row"]["status"] == "rejected"
    assert [line["row"]["title"] for line in lines if line["object"] == "dispute_evidence"] == ["Ours", "Theirs", "Internal"]
    assert {line["to"] for line in lines if line["object"] == "dispute_notice"} == {"claimant", "respondent", "vendor"}
    assert [line["row"]["kind"] for line in lines if line["object"] == "dispute_decision"] == ["deal.approved"]
    assert {line["kind"] for line in lines if line["object"] == "dispute_rules"} >= {"program", "tier_terms"}
    assert {line["party"] for line in lines if line["object"] == "dispute_case"} == {"claimant", "respondent"}
    assert all(line["address"] is None for line in lines if line["object"] == "audit_entry")


def test_what_a_party_is_given(case):
    for side, other in (("claimant", "respondent"), ("respondent", "claimant")):
        text, lines = case["bundles"][side], lines_of(case["bundles"][side])
        own, theirs = (case["a"], case["b"]) if side == "claimant" else (case["b"], case["a"])
        deal, foreign = (case["second"], case["first"]) if side == "claimant" else (case["first"], case["second"])
        assert [line["row"]["id"] for line in lines if line["object"] == "dispute_deal"] == [deal["id"]]
        assert [line["row"]["id"] for line in lines if line["object"] == "dispute_evidence"] == [case["evidence"][side]["id"]]
        submitted = [line for line in lines if line.get("action") == "deal.submitted"]
        assert [entry["resource_id"] for entry in submitted] == [deal["id"]], "its own submission is proven"
        told = next(line for line in lines if line.get("action") == "dispute_evidence.submitted")
        assert json.loads(told["current"])["title"] == case["evidence"][side]["title"], "and what it said"
        secrets = [theirs.id, theirs.name, theirs.client_id, foreign["id"], foreign["number"], foreign["customer_name"],
                   case["evidence"][other]["id"], case["evidence"][other]["title"], "Between us.", "The holder is B.",
                   case["evidence"]["vendor"]["id"]]
        assert [secret for secret in secrets if secret in text] == [], f"the {side} reads of the other side"
        assert "vendor:" not in text and own.name in text


def test_the_vendor_reads_what_a_party_is_given(case, world):
    for side in SIDES:
        assert download(world.admin, case["row"], audience=side) == case["bundles"][side]
    for audience in SIDES:
        assert download(case["a"].api, case["row"], audience=audience) == case["bundles"]["claimant"]
    named = case["b"].api.get(f"/v1/disputes/{case['row']['id']}/bundle").headers["Content-Disposition"]
    assert named == f'attachment; filename="{case["row"]["number"]}-respondent.ndjson"'
    world.make_partner().api.get(f"/v1/disputes/{case['row']['id']}/bundle", expect=404)
    world.admin.get(f"/v1/disputes/{nobody()}/bundle", expect=404)


def test_what_comes_later_changes_nothing(case, world):
    world.admin.patch(f"/v1/deals/{case['second']['id']}", {"review_note": "Later."}, if_match="*", expect=None)
    refused = world.admin.post("/v1/dispute-evidence", {"dispute_id": case["row"]["id"], "title": "x", "text": "x"},
                               expect=409)
    assert refused.problem == "evidence_closed"
    assert download(world.admin, case["row"]) == case["bundles"]["vendor"]


# ---- tampering ----
KINDS = ["dispute_bundle", "signing_key", "dispute_case", "dispute_deal", "dispute_evidence", "dispute_notice",
         "dispute_decision", "dispute_rules", "audit_segment", "audit_entry", "audit_checkpoint", "dispute_bundle_end"]


def place_of(lines, kind):
    return next(index for index, line in enumerate(lines) if line["object"] == kind)


@pytest.mark.parametrize("kind", KINDS)
def test_a_line_that_is_flipped_removed_or_moved(case, judge, kind):
    raw = case["bundles"]["vendor"].splitlines(keepends=True)
    at = place_of(lines_of(case["bundles"]["vendor"]), kind)
    if kind != "dispute_bundle_end":  # its own bytes are not signed: what it says is judged below
        assert judge("".join([*raw[:at], raw[at].rstrip() + " \n", *raw[at + 1:]]))[0] == 1, "one blank"
    assert judge("".join([*raw[:at], *raw[at + 1:]]))[0] == 1, "removed"
    assert judge("".join([*raw[:at], raw[at], raw[at], *raw[at + 1:]]))[0] == 1, "twice"
    moved = [*raw[:at], *raw[at + 1:]]
    assert judge("".join([*moved[:max(1, at - 1)], raw[at], *moved[max(1, at - 1):]]))[0] == 1 or at <= 1, "moved"


@pytest.mark.parametrize("change, kind", [
    (lambda lines: lines[-1].update(lines=lines[-1]["lines"] + 1), "bundle_changed"),
    (lambda lines: lines[-1].update(signature=lines[-1]["signature"][:-4] + "AAAA"), "bundle_forged"),
    (lambda lines: lines[-1].update(signature="x"), "bundle_forged"),
    (lambda lines: lines.pop(), "bundle_cut"),
    (lambda lines: lines.append(lines[-1]), "line_unreadable"),
    (lambda lines: lines.insert(1, lines[0]), "line_unreadable"),
    (lambda lines: lines.insert(1, {"object": "audit_export"}), "line_unreadable"),
    (lambda lines: lines[0].update(format=2), "line_unreadable"),
    (lambda lines: lines[0].update(program_id="../x"), "line_unreadable"),
    (lambda lines: lines[0].update(dispute_id=None), "line_unreadable"),
    (lambda lines: lines.clear(), "bundle_cut"),
])
def test_the_frame(case, judge, change, kind):
    raw = case["bundles"]["claimant"].splitlines(keepends=True)
    lines = [json.loads(line) for line in raw]
    bytes_of = {json.dumps(line): bytes for line, bytes in zip(lines, raw)}
    change(lines)
    status, said, error = judge("".join(bytes_of.get(json.dumps(line), json.dumps(line) + "\n") for line in lines))
    assert status == 1 and ": broken, " in said and f": {kind}: " in error, error


class TestResigned:
    """Signed anew with a key of the forger's own: the file is whole, and its content still has to hold with the chain."""

    @pytest.fixture
    def sign(self, tmp_path):
        path, key = forged_key(tmp_path)

        def anew(lines):
            lines = [lines[0], key, *lines[1:-1]]
            body = text_of(lines)
            digest = hashlib.sha256(body.encode()).hexdigest()
            head = lines[0]
            text = f"partnerd dispute bundle {head['program_id']} {head['dispute_id']} {head['audience']} {len(lines)} {digest}"
            signature = encode(openssl("dgst", "-sha256", "-sign", str(path), data=text.encode()))
            return body + json.dumps({"object": "dispute_bundle_end", "lines": len(lines), "sha256": digest,
                                      "signature": f"{key['kid']}.{signature}"}) + "\n"
        anew.kid = key["kid"]
        return anew

    def test_it_names_its_signer(self, case, judge, sign, trusted):
        forged = sign(lines_of(case["bundles"]["vendor"]))
        status, said, _ = judge(forged)
        assert status == 0 and f"signed by {sign.kid} (not checked)" in said
        status, _, error = judge(forged, "--keys", trusted)
        assert status == 1 and "signer_unknown" in error

    @pytest.mark.parametrize("change, kind", [
        (lambda by: by("dispute_evidence")["row"].update(text="I was first."), "claim_unproven"),
        (lambda by: by("dispute_evidence")["row"].update(title="x"), "claim_unproven"),
        (lambda by: by("dispute_evidence")["row"]["document"].update(sha256="00" * 32), "claim_unproven"),
        (lambda by: by("dispute_evidence").update(sequence=1), "claim_unproven"),
        (lambda by: by("dispute_deal").update(claim_sequence=1), "claim_unproven"),
        (lambda by: by("dispute_deal").update(claim_sequence=by("dispute_deal")["claim_sequence"] + 1),
         "claim_unproven"),
        (lambda by: by("dispute_deal").update(claim_sequence=10 ** 9), "claim_unproven"),
        (lambda by: by("dispute_deal")["row"].update(id="0193ffff-0000-7000-8000-000000000000"), "claim_unproven"),
        (lambda by: by("dispute_case").update(sequence=10 ** 9), "claim_unproven"),
        (lambda by: by("dispute_notice").update(event_id="0193ffff-0000-7000-8000-000000000000"), "claim_unproven"),
        (lambda by: by("audit_entry").update(action="deal.approved"), "entry_changed"),
        (lambda by: by("audit_entry").update(occurred_at_us=1), "entry_changed"),
        (lambda by: by("audit_entry").update(current=by("audit_entry")["current"] + " "), "entry_changed"),
        (lambda by: by("audit_entry").update(note="x"), "entry_changed"),
        (lambda by: by("audit_entry").update(hash="00" * 32), "chain_broken"),
        (lambda by: by("audit_entry").update(prev_hash="00" * 32), "chain_broken"),
        (lambda by: by("audit_segment").update(prev_hash="00" * 32), "chain_broken"),
        (lambda by: by("audit_segment").update(prev_hash="x"), "chain_broken"),
        (lambda by: by("audit_segment").update(seq=by("audit_segment")["seq"] - 1), "entry_missing"),
        (lambda by: by("audit_checkpoint").update(hash="00" * 32), "checkpoint_unreached"),
        (lambda by: by("audit_checkpoint").update(seq=10 ** 9), "checkpoint_unreached"),
        (lambda by: by("audit_checkpoint").update(signature=by("audit_checkpoint")["signature"][:-4] + "AAAA"),
         "checkpoint_forged"),
        (lambda by: by("audit_checkpoint").update(object="dispute_rules"), "chain_broken"),
    ])
    def test_the_chain_contradicts(self, case, judge, sign, change, kind):
        lines = lines_of(case["bundles"]["vendor"])
        change(lambda name: lines[place_of(lines, name)])
        status, _, error = judge(sign(lines))
        assert status == 1 and f": {kind}: " in error, error

    def test_removed_and_reordered_entries(self, case, judge, sign):
        lines = lines_of(case["bundles"]["vendor"])
        entry, deal = place_of(lines, "audit_entry"), place_of(lines, "dispute_deal")
        assert judge(sign([*lines[:entry], *lines[entry + 1:]]))[0] == 1
        assert judge(sign([*lines[:entry], lines[entry + 1], lines[entry], *lines[entry + 2:]]))[0] == 1
        swapped = [*lines[:deal], lines[deal + 1], lines[deal], *lines[deal + 2:]]
        status, _, error = judge(sign(swapped))
        assert status == 1 and "order of their claims" in error


@pytest.mark.parametrize("content", ["", "\n", "[]\n", "{}\n", "null\n", "not json\n", '{"object":"dispute_bundle"}\n', "\0\0",
                                     '{"object":"audit_entry","seq":1}\n', "[" * 10000 + "\n", '{"object":1}\n'])
def test_what_is_no_bundle(judge, content):
    status, said, _ = judge(content)
    assert status == 1 and ": broken, " in said


def test_usage(judge, tmp_path):
    for arguments in (["--known", "1:x"], ["more"]):
        assert "usage: " in judge("", *arguments)[2]
    (tmp_path / "no.jwks").write_text("{}")
    assert "no JWK set" in judge("", "--keys", str(tmp_path / "no.jwks"))[2]


def test_a_conflict_about_one_account(world, judge):
    """Whoever waits in line disputes it: the vendor's bundle has the line as matching keeps it, the parties' have not."""
    a, b = world.make_partner(), world.make_partner()
    account = {"customer_name": "Held Harbour Lines", "customer_website": "https://held-harbour.example"}
    holder = b.deal(**account)
    waiting = a.deal(**account)
    assert waiting["status"] == "conflict_hold"
    row = world.dispute_in("frozen", waiting, respondent=holder)
    lines = lines_of(download(world.admin, row))
    [conflict] = [line["row"] for line in lines if line["object"] == "dispute_conflict"]
    assert [entry["deal_id"] for entry in conflict["deals"]] == [holder["id"], waiting["id"]]
    claims = {line["row"]["id"]: line["claim_sequence"] for line in lines if line["object"] == "dispute_deal"}
    shown = world.admin.get(f"/v1/deal-conflicts/{conflict['id']}")
    assert claims == {entry["deal_id"]: entry["audit_seq"] for entry in shown["deals"]}
    assert judge(download(world.admin, row))[0] == 0
    for partner, other in ((a, b), (b, a)):
        text = download(partner.api, row)
        assert "conflict" not in {line["object"].split("_")[-1] for line in lines_of(text)}
        assert other.id not in text and other.name not in text and judge(text)[0] == 0
    refused = world.admin.post(f"/v1/disputes/{row['id']}/decide", {
        "outcome": "upheld", "rule": "first_submission", "reason": "x"}, if_match="*", expect=422)
    assert refused.errors() == {("#/outcome", "inconsistent")}


def test_a_deal_that_was_somebody_elses(world, judge):
    """Reassigned before the dispute: the new partner's bundle does not say whose it was. Reassigned after it: the case stays."""
    before, a, after = world.make_partner(), world.make_partner(), world.make_partner()
    move = lambda deal, to: world.admin.post(f"/v1/deals/{deal['id']}/reassign", {"partner_id": to.id, "reason": "x"},
                                             if_match="*", expect=200).json
    deal = move(world.deal_in("approved", before), a)
    row = world.dispute_in("evidence", deal)
    world.submit_evidence(row, by=a.api)
    move(deal, after)
    row = world.act("disputes", world.refresh(row), "finish-evidence", {"party": "claimant"})
    row = world.until_frozen(row)
    assert row["partner_id"] == a.id
    after.api.get(f"/v1/disputes/{row['id']}", expect=404)
    seen = a.api.get(f"/v1/disputes/{row['id']}")
    assert seen["deal_number"] is None and seen["deal_id"] == deal["id"]
    text = download(a.api, row)
    assert judge(text)[0] == 0
    for other in (before, after):
        for line in text.splitlines():
            assert not [secret for secret in (other.id, other.name, other.client_id) if secret in line], line
    whole = lines_of(download(world.admin, row))
    assert [line["row"]["kind"] for line in whole if line["object"] == "dispute_decision"][0] == "deal.approved"
