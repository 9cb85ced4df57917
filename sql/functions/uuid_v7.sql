-- SPDX-License-Identifier: Apache-2.0
--
-- An id as src/base/uuid.c makes them (RFC 9562 §5.7, without its counter), for rows whose number is known to the
-- database alone.
create or replace function uuid_v7() returns uuid language sql volatile as
$$
	select encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid()) placing substring(
		int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3) from 1 for 6), 52, 1), 53, 1), 'hex')::uuid
$$;
