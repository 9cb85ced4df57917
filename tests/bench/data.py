# SPDX-License-Identifier: Apache-2.0
"""Many deals at once, by SQL, beside the demo data of `partnerd seed --demo`.

Deal n has an id that ends in n as a decimal number, so that wrk and pgbench can pick a random one without a list. Even
ones belong to partner A, odd ones to partner B. Only columns that a deal of any state must have are filled.
"""
ID_PREFIX = "01900000-0000-7000-8000-"
FIRST_NUMBER = 100000000000  # keeps the last group of the id at twelve digits

LOAD = """
insert into deals (program_id, id, partner_id, number, status, customer_name, customer_country, amount_minor, currency,
	expected_close_on, description, line_items, custom_fields, submitted_at, created_by_id, created_at, updated_at)
select p.program_id, ('{prefix}' || ({first} + n))::uuid, case n %% 2 when 0 then p.a else p.b end,
	'B-' || to_char(n, 'FM000000000000'), (array['draft', 'submitted', 'in_review', 'info_requested', 'rejected', 'withdrawn'])
	[1 + n %% 6], 'Customer ' || n %% 5000, (array['DE', 'FR', 'NL', 'AT', 'PL'])[1 + n %% 5], 100000 + (n::bigint * 7919) %% 90000000,
	'EUR', date '2027-01-01' + (n %% 365)::int, 'A deal of the bench, number ' || n,
	'[{{"product": "Platform", "quantity": 10, "unit_amount_minor": 48000}}]', '{{"region": "north"}}',
	case when n %% 6 > 0 then t.at end, p.a, t.at, t.at
from (select program_id, %(a)s::uuid as a, %(b)s::uuid as b from partners where id = %(a)s::uuid) p,
	generate_series(0, %(deals)s - 1) n,
	lateral (select now() - interval '2 years' + n * (interval '2 years' / %(deals)s) as at) t
""".format(prefix=ID_PREFIX, first=FIRST_NUMBER)


def deal_id(number):
    return f"{ID_PREFIX}{FIRST_NUMBER + number}"


def load(cluster, database, partner_a, partner_b, deals):
    """Inserts as superuser, without triggers (foreign keys hold by construction), then analyses."""
    session = cluster.connect(database)
    with session.cursor() as cursor:
        cursor.execute("set session_replication_role = replica; set synchronous_commit = off")
        cursor.execute(LOAD, {"a": partner_a, "b": partner_b, "deals": deals})
        cursor.execute("vacuum (analyze) deals")
        cursor.execute("checkpoint")
    session.close()
