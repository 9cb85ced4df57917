-- SPDX-License-Identifier: Apache-2.0
--
-- Who was mailed what is forgotten 90 days after the mail has ended: a delivery is asked about for weeks, not for ever.
create index mails_by_end on mails (updated_at) where status <> 'queued';
