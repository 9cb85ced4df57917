# SPDX-License-Identifier: Apache-2.0
"""Filters of the big tables reach their index behind the walls, beside many rows that they do not want."""
import psycopg2
import pytest

from support.world import World

MANY = 3_000
PAGE = " order by s.created_at, s.id limit 26"


@pytest.fixture(scope="module")
def cursor(new_database, new_server):
    """A program with many deals, as the application reads them; what is written here is never committed."""
    url = new_database()
    world = World(new_server(url, jobs="false"), url)
    partner, product, reason = world.partner("a"), world.make_product(), world.admin.list("/v1/lost-reasons")[0]
    session = psycopg2.connect(url)
    cursor = session.cursor()
    cursor.execute("set local session_replication_role = replica")
    cursor.execute("""
        insert into deals (program_id, id, partner_id, number, status, customer_name, amount_minor, currency, created_by_id,
            submitted_at, created_at, lost_reason_id, earns, product_ids, commission_bps, margin_bps, margin_minor, protection_expires_at)
        select %s, gen_random_uuid(), %s, 'X-' || n, case when n %% 1000 = 1 then 'in_review' else 'withdrawn' end, 'c' || n, 1, 'EUR',
            %s, t.at, t.at, case when n %% 1000 = 2 then %s::uuid end, e.earns,
            case when n %% 1000 = 4 then array[%s::uuid] else '{}' end, case e.earns when 'commission' then 1 end,
            case e.earns when 'margin' then 1 end, case e.earns when 'margin' then 1 end,
            t.at + case when n %% 1000 = 5 then interval '9 years' else interval '90 days' end
        from generate_series(1, %s) n
        cross join lateral (select timestamptz '2026-01-01Z' + n * interval '1 minute' as at) t
        cross join lateral (select case when n %% 1000 = 3 then 'commission' else 'margin' end as earns) e""",
                   (world.program_id, partner.id, world.admin_id, reason["id"], product["id"], MANY))
    cursor.execute("""insert into deal_products (program_id, deal_id, product_id, partner_id)
        select d.program_id, d.id, coalesce(d.product_ids[1], gen_random_uuid()), d.partner_id from deals d where d.number like 'X-%'""")
    cursor.execute("set local session_replication_role = origin")
    cursor.execute("""insert into deal_external_ids (program_id, partner_id, source, external_id, deal_id)
        select d.program_id, d.partner_id, 'crm', d.number, d.id from deals d where d.number like 'X-%'""")
    cursor.execute("""insert into partner_contacts (program_id, id, partner_id, name, email)
        select %s, gen_random_uuid(), %s, 'n' || n, 'n' || n || '@example.com' from generate_series(1, %s) n""",
                   (world.program_id, partner.id, MANY))
    cursor.execute("analyze deals, deal_products, deal_external_ids, partner_contacts")
    cursor.execute("set local role partnerd_app")
    cursor.execute("select set_config('app.program', %s, true), set_config('app.partner', '*', true), "
                   "set_config('app.known', %s, true)", (world.program_id, f"{reason['key']} {product['id']}"))
    yield cursor
    session.rollback()
    session.close()


def plan_of(cursor, sql, *values):
    cursor.execute("select current_setting('app.program'), string_to_array(current_setting('app.known'), ' ')")
    program, (reason, product) = cursor.fetchone()
    cursor.execute("explain " + sql, {"program": program, "reason": reason, "product": product})
    return "\n".join(line for line, in cursor.fetchall())


@pytest.mark.parametrize("condition, index", [
    ("s._lost_reason_id = (select w.id from lost_reasons w where w.program_id = %(program)s and w.key = %(reason)s)",
     "deals_by_lost_reason"),
    ("s.earns = any(array['commission', 'both'])", "deals_by_earning"),
    ("s.id in (select e.deal_id from deal_products e where e.program_id = %(program)s and e.product_id = %(product)s)",
     "deal_products_by_product"),
    ("s.id in (select e.deal_id from deal_external_ids e where e.program_id = %(program)s and e.source = split_part('crm:X-7', ':', 1)"
     " and e.external_id = substr('crm:X-7', strpos('crm:X-7', ':') + 1))", "deal_external_ids_by_id"),
    ("s.protection_expires_at >= '2035-01-01Z'", "deals_by_protection"),
], ids=["reason", "earns", "product", "external id", "protection"])
def test_a_filter_goes_by_its_index(cursor, condition, index):
    plan = plan_of(cursor, f"select s.* from deal_shape s where s._program_id = %(program)s and {condition}" + PAGE)
    assert index in plan and "SubPlan" not in plan, plan


def test_the_queue_of_approval_is_read_from_its_head(cursor):
    """As deals_to_decide reads it: what is decided is not in the index, and nothing is sorted."""
    plan = plan_of(cursor, """select w.id from deals w where w.program_id = %(program)s and w.status in ('submitted', 'in_review')
        order by w.submitted_at, w.id limit 2""")
    assert "using deals_to_decide" in plan and "Sort" not in plan, plan


def test_contacts_are_found_by_address(cursor):
    plan = plan_of(cursor, "select s.* from partner_contact_shape s where s._program_id = %(program)s and s.email = lower('N7@example.com')"
                   " order by s.name, s.id limit 26")
    assert "partner_contacts_by_email" in plan, plan
