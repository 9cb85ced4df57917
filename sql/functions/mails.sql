-- SPDX-License-Identifier: Apache-2.0
--
-- Puts a mail into the outbox and announces it, in the transaction of what the mail is about. `mail` is made by
-- src/http/mail.c: id, event_id, kind, life_s, sealed. What waited of the kind for the person is not sent any more. Mails
-- are behind the vendor's wall; a partner's admin, who invites, passes it in here only.
create or replace function mail_queue(request jsonb, mail jsonb, program uuid, person uuid) returns boolean
language plpgsql as
$$
declare
	side constant text := current_setting('app.partner', true);
	after jsonb;
	is_published boolean;
begin
	perform set_config('app.partner', '*', true);
	update mails m set status = 'cancelled', sealed = null, version = m.version + 1, updated_at = now()
	where m.program_id = program and m.user_id = person and m.kind = mail->>'kind' and m.status = 'queued';
	insert into mails (program_id, id, user_id, kind, sealed, expires_at)
	values (program, (mail->>'id')::uuid, person, mail->>'kind', mail->>'sealed',
		now() + make_interval(secs => (mail->>'life_s')::int));
	select to_jsonb(s) into after from mail_shape s where s._program_id = program and s.id = (mail->>'id')::uuid;
	is_published := publish(request - 'key' - 'fingerprint',
		jsonb_build_object('event_id', mail->>'event_id', 'event', 'mail.queued'), 'mail', null, after);
	perform set_config('app.partner', coalesce(side, ''), true);
	return is_published;
end $$;
