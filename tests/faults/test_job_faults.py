# SPDX-License-Identifier: Apache-2.0
"""What a job has to do is more than it can do within the time of a statement: it does less at once, and comes to an end."""
import psycopg2

from support import wait
from support.world import World

DEALS, AT_ONCE = 3, 1


def test_what_takes_too_long_is_done_in_smaller_batches(new_database, new_server):
    url = new_database()
    world = World(new_server(url), url)
    for _ in range(DEALS):
        world.deal_in("approved")
    connection = psycopg2.connect(url)
    connection.autocommit = True
    cursor = connection.cursor()
    cursor.execute("""
        create function too_many() returns trigger language plpgsql as $$
        declare
            done constant int := coalesce(nullif(current_setting('test.done', true), ''), '0');
        begin
            if done = %s then
                raise exception 'canceling statement due to statement timeout' using errcode = '57014';
            end if;
            perform set_config('test.done', (done + 1)::text, true);
            return null;
        end $$;
        create trigger too_many after update on deals for each row when (new.status = 'expired') execute function too_many()""",
        (AT_ONCE,))

    def expired():
        cursor.execute("select count(*) from deals where program_id = %s and status = 'expired'", (world.program_id,))
        return cursor.fetchone()[0]

    world.advance_clock(366 * 86_400)
    wait.until(lambda: expired() == DEALS, "every one is expired")
    connection.close()
