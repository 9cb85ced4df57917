# SPDX-License-Identifier: Apache-2.0
"""Many deals at once, by SQL, beside the demo data of `partnerd seed --demo`.

Deal n has an id that ends in n as a decimal number, so that wrk and pgbench can pick a random one without a list. Even
ones belong to partner A, odd ones to partner B. Only columns that a deal of any state must have are filled. Customer n is
one of its own, known again by its domain and by the words of its name, one of which all have.
"""
import hashlib

ID_PREFIX = "01900000-0000-7000-8000-"
FIRST_NUMBER = 100000000000  # keeps the last group of the id at twelve digits

LOAD = """
insert into deals (program_id, id, partner_id, number, status, customer_name, customer_country, customer_website,
	amount_minor, currency,
	expected_close_on, description, line_items, custom_fields, submitted_at, created_by_id, created_at, updated_at)
select p.program_id, ('{prefix}' || ({first} + n))::uuid, case n %% 2 when 0 then p.a else p.b end,
	'B-' || to_char(n, 'FM000000000000'), (array['draft', 'submitted', 'in_review', 'info_requested', 'rejected', 'withdrawn'])
	[1 + n %% 6], {customer} || ' Logistik', 'DE', 'https://' || {customer} || '.example', 100000 + (n::bigint * 7919) %% 90000000,
	'EUR', date '2027-01-01' + (n %% 365)::int, 'A deal of the bench, number ' || n,
	'[{{"product": "Platform", "quantity": 10, "unit_amount_minor": 48000}}]', '{{"region": "north"}}',
	case when n %% 6 > 0 then t.at end, p.a, t.at, t.at
from (select program_id, %(a)s::uuid as a, %(b)s::uuid as b from partners where id = %(a)s::uuid) p,
	generate_series(0, %(deals)s - 1) n,
	lateral (select now() - interval '2 years' + n * (interval '2 years' / %(deals)s) as at) t
""".format(prefix=ID_PREFIX, first=FIRST_NUMBER, customer="substr(md5(n::text), 1, 12)")

SEARCH = """
insert into deal_search (program_id, deal_id, partner_id, search_key)
select program_id, id, partner_id, deal_search_key(customer_name, number) from deals where number like 'B-%'
"""

KEYS = """
insert into deal_keys (program_id, deal_id, partner_id, kind, key, is_live)
select d.program_id, d.id, d.partner_id, k.kind, k.key, d.status in ('submitted', 'in_review', 'info_requested')
from deals d, lateral (values ('domain', substr(d.customer_website, 9)), ('word', split_part(d.customer_name, ' ', 1) || ' DE'),
	('word', 'logistik DE')) k (kind, key)
where d.number like 'B-%'
"""

TABLES = ("deals", "deal_search", "deal_keys")


def deal_id(number):
    return f"{ID_PREFIX}{FIRST_NUMBER + number}"


def customer(number):
    """The name's first word, and the domain, of a loaded deal's customer."""
    return hashlib.md5(str(number).encode()).hexdigest()[:12]


def without_indexes(cursor):
    """Drops what can be built faster afterwards; answers with the statements that build it."""
    cursor.execute("""select i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) from pg_index i
        where i.indrelid = any(%s::regclass[]) and not exists (select from pg_constraint c where c.conindid = i.indexrelid)""",
                   (list(TABLES),))
    found = cursor.fetchall()
    for name, _ in found:
        cursor.execute(f"drop index {name}")
    return [definition for _, definition in found]


def load(cluster, database, partner_a, partner_b, deals):
    """Inserts as superuser, without triggers (foreign keys hold by construction), then analyses."""
    session = cluster.connect(database)
    with session.cursor() as cursor:
        cursor.execute("set session_replication_role = replica; set synchronous_commit = off; set maintenance_work_mem = '512MB'")
        definitions = without_indexes(cursor)
        cursor.execute(LOAD, {"a": partner_a, "b": partner_b, "deals": deals})
        cursor.execute(SEARCH)
        cursor.execute(KEYS)
        for definition in definitions:
            cursor.execute(definition)
        for table in TABLES:
            cursor.execute(f"vacuum (analyze) {table}")
        cursor.execute("checkpoint")
    session.close()
