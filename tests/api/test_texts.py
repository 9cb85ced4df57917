# SPDX-License-Identifier: Apache-2.0
"""What a text may look like, wherever a caller may write one, and in which words it is refused."""
import pytest

from support.contract import document
from support.world import DEAL, TIERS, unique

CONTROLS = "Control characters are not allowed."
NAME = "1 to 200 characters, not only blanks."
WEBSITE = "An http or https address or a domain, at most 500 characters."


def complaints(refused):
    """Place → (code, sentence) of what was refused."""
    return {error.get("pointer") or error.get("parameter"): (error["code"], error["detail"])
            for error in refused.json["errors"]}


@pytest.mark.parametrize("member, value, where, sentence", [
    ("customer_name", "Acme\x1b[31m", "", CONTROLS), ("customer_name", " \t\u00a0\u3000", "", NAME),
    ("description", "a\x7f", "", CONTROLS), ("external_ids", {"crm": "\x01"}, "/crm", CONTROLS),
    ("custom_fields", {"a\x07": 1}, "/a%07", CONTROLS), ("custom_fields", {"a": "\b"}, "/a", CONTROLS),
    ("line_items", [{"product": " ", "quantity": 1, "unit_amount_minor": 1}], "/0/product", NAME),
    ("customer_website", "javascript:alert(1)", "", WEBSITE), ("customer_website", "ftp://a.example", "", WEBSITE),
    ("customer_website", "acme", "", WEBSITE), ("customer_website", "petra@acme.example", "", WEBSITE),
    ("customer_website", "acme.example:x", "", WEBSITE), ("customer_website", "//acme.example", "", WEBSITE),
    ("customer_website", "https://a.example/ b", "", WEBSITE), ("customer_website", "https://", "", WEBSITE),
    ("customer_country", "de", "", "An assigned code of ISO 3166-1, two capital letters."),
    ("amount", {"amount_minor": 1, "currency": "EURO"}, "/currency", "Three capital letters, ISO 4217."),
])
def test_refused_texts_of_a_deal(world, member, value, where, sentence):
    refused = world.partner("a").api.post("/v1/deals", {**DEAL, member: value}, expect=422, problem="validation_failed")
    assert [complaint[1] for complaint in complaints(refused).values()] == [sentence]
    assert set(complaints(refused)) == {f"#/{member}{where}"}


def test_text_may_have_tabs_and_lines(world):
    text = "one\ttwo\r\nthree\n"
    deal = world.partner("a").deal(description=text, customer_website="http://müller.example/a?b#c")
    assert deal["description"] == text


def test_blank_names_are_refused_everywhere(world):
    floor, base, cap = TIERS["preferred"][1:]
    tier = {"key": "blank", "rank": 900, "margin_band": {"floor_bps": floor, "base_bps": base, "cap_bps": cap}}
    for path, body in (("/v1/partners", {"type": "reseller", "country": "DE"}), ("/v1/tiers", tier),
                       ("/v1/users", {"email": f"{unique('u')}@people.example", "role": "viewer"}),
                       ("/v1/api-clients", {"scopes": ["deals:read"]})):
        refused = world.admin.post(path, {**body, "name": "   "}, expect=422)
        assert complaints(refused).keys() == {"#/name"}, path
        assert complaints(refused)["#/name"][0] == "invalid_format"
    partner = world.new_partner()
    for change, place in (({"name": "\u2003"}, "#/name"), ({"website": "data:text/html,x"}, "#/website")):
        refused = world.admin.patch(f"/v1/partners/{partner['id']}", change, if_match=1, expect=422)
        assert set(complaints(refused)) == {place}


def test_texts_of_a_query(world):
    for query, sentence in (({"customer_name": "a\x1b"}, CONTROLS), ({"partner_id": "x"}, "A UUID."),
                            ({"partner_id": ""}, "A UUID."), ({"currency": "EURO"}, "Three capital letters, ISO 4217.")):
        refused = world.admin.get("/v1/deals", query, expect=400, problem="invalid_parameter")
        assert [found[1] for found in complaints(refused).values()] == [sentence]


def test_the_example_of_the_contract_is_what_is_said(world):
    example = document()["components"]["responses"]["ValidationFailed"]["content"]["application/problem+json"]["example"]
    body = {"customer_name": "", "amount": {"amount_minor": 1, "currency": "eur"}}
    refused = world.partner("a").api.post("/v1/deals", body, expect=422).json
    varying = ("instance", "request_id")
    assert {name: refused[name] for name in example if name not in varying} == {
        name: example[name] for name in example if name not in varying}


def test_a_deal_in_review_is_not_called_ended(world):
    page = world.admin.get("/problems/deal_not_open", expect=200)
    assert page["description"] == "The deal cannot be edited in its present state."
