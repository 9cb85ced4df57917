-- SPDX-License-Identifier: Apache-2.0
--
-- Evidence may be a file of ours: what its document says is then the file's, as it was taken.
alter table dispute_evidence
	add column file_id uuid,
	add constraint dispute_evidence_file_fkey foreign key (program_id, file_id) references files (program_id, id),
	add constraint dispute_evidence_pinned_check check (file_id is null or document_sha256 is not null);
