-- SPDX-License-Identifier: Apache-2.0
--
-- What stands in the table of revocations for the tokens that identity providers gave a user: whoever remembers one of
-- them looks at the user again. It is not the user's own id, for tokens of ours that are issued from now on are good.
create or replace function external_grant(person uuid) returns uuid language sql immutable parallel safe as
$$ select md5('partnerd external ' || person::text)::uuid $$;
