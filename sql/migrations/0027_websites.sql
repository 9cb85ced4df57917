-- SPDX-License-Identifier: Apache-2.0
--
-- Websites as people write them: the scheme may be left out. Addresses that have one are read as before, so no stored
-- host becomes another.
create or replace function website_host(website text) returns text language sql immutable parallel safe as
$$ select nullif(regexp_replace(lower(website), '^(?:https?://)?(?:[^/?#@]*@)?(?:www\.)?([^/?#:]*).*$', '\1'), '') $$;
