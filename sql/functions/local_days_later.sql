-- SPDX-License-Identifier: Apache-2.0
--
-- The same local time as many calendar days later, in a zone of its own: the session's never decides (domain.md §5.6).
create or replace function local_days_later(moment timestamptz, days int, zone text) returns timestamptz
language sql stable parallel safe as
$$ select ((moment at time zone zone) + make_interval(days => days)) at time zone zone $$;
