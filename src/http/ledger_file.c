/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verifies an exported chain, one line at a time, with nothing but the file: each entry must match
 * its hashes and follow the one before, each checkpoint must sign the place where it stands, and
 * the last line must sign the head. What is missing from an entry is remembered by whose it was
 * until an erasure comes that names them; what is left of that list at the end was removed by
 * somebody else.
 */
#include "http/ledger_file.h"

#include <string.h>

#include "http/ledger_entry.h"
#include "ledger_keys.h"

#define ERASURE_ACTION "user.personal_data_erased"

struct reader {
	struct arena *arena; /* of the report */
	const json_t *trusted;
	const struct ledger_known *known;
	struct ledger_file_report *found;
	unsigned char head[LEDGER_DIGEST_BYTES];
	struct file_keys keys;
	json_t *contents;  /* resource id → the first entry whose content is missing */
	json_t *addresses; /* actor id → the first entry whose address is missing */
	bool is_begun, is_ended;
};

/* ---- faults ---- */

/* Returns false, so that who finds a fault can return it. */
static bool fault(struct reader *reader, int64_t seq, const json_t *entry, const char *kind,
	const char *detail)
{
	struct ledger_report *report = &reader->found->report;
	const char *id = line_text(entry, "id");

	report->is_valid = false;
	report->fault_seq = seq;
	report->fault_entry = id ? arena_strdup(reader->arena, id) : NULL;
	report->fault_kind = kind;
	report->fault_detail = detail;
	return false;
}

static bool unreadable(struct reader *reader, const char *detail)
{
	return fault(reader, reader->found->head_seq, NULL, "line_unreadable", detail);
}

/* ---- what is missing ---- */

static void remember(json_t *missing, const char *owner, const json_t *entry)
{
	if (!json_object_get(missing, owner ? owner : ""))
		json_object_set_new(missing, owner ? owner : "",
			json_pack("{s:O, s:O}", "seq", json_object_get(entry, "seq"), "id",
				json_object_get(entry, "id")));
}

/* An erasure names the person and everything of theirs whose content may be missing before it. */
static bool take_erasure(struct reader *reader, const json_t *entry)
{
	const char *user = line_text(entry, "resource_id"), *current = line_text(entry, "current");
	json_t *content = current ? json_loads(current, JSON_REJECT_DUPLICATES, NULL) : NULL;
	const json_t *resources = json_object_get(content, "resources"), *id;
	bool good = user && json_is_array(resources);
	size_t index;

	if (good)
		json_object_del(reader->addresses, user);
	json_array_foreach (resources, index, id)
		if (json_is_string(id))
			json_object_del(reader->contents, json_string_value(id));
	json_decref(content);
	return good || fault(reader, line_number(entry, "seq"), entry, "entry_changed",
			       "The erasure does not say what it covers.");
}

static void take_uncovered(
	struct reader *reader, json_t *missing, const char *kind, const char *detail)
{
	const struct ledger_report *report = &reader->found->report;
	const char *owner;
	json_t *first;

	json_object_foreach (missing, owner, first) {
		int64_t seq = line_number(first, "seq");
		if (report->is_valid || seq < report->fault_seq)
			fault(reader, seq, first, kind, detail);
	}
}

/* ---- signatures ---- */

/* The name of the key that signed this line's place of the chain; NULL when none did. */
static const char *signer_of(const struct reader *reader, const json_t *line)
{
	const struct ledger_file_report *found = reader->found;
	struct text text = TEXT_INIT;

	text_appendf(&text, LEDGER_SIGNED_TEXT, found->program_id, (long long)found->head_seq,
		found->head_hash);
	const char *signer =
		file_keys_signer(&reader->keys, line_text(line, "signature"), slice_of(text.bytes));
	text_release(&text);
	return signer;
}

static bool stands_at_head(const struct reader *reader, const json_t *line)
{
	const char *hash = line_text(line, "hash");

	return line_number(line, "seq") == reader->found->head_seq && hash &&
	       strcmp(hash, reader->found->head_hash) == 0;
}

/* Who signed the head where the line stands; NULL with the fault set. */
static const char *check_signature(struct reader *reader, const json_t *line)
{
	int64_t seq = line_number(line, "seq");

	if (!stands_at_head(reader, line)) {
		fault(reader, seq, NULL, "checkpoint_unreached",
			"The chain does not reach this signed checkpoint.");
		return NULL;
	}
	const char *signer = signer_of(reader, line);
	if (!signer)
		fault(reader, seq, NULL, "checkpoint_forged",
			"The signature of this checkpoint does not hold.");
	return signer;
}

/* ---- lines ---- */

static bool take_header(struct reader *reader, const json_t *line)
{
	struct ledger_file_report *found = reader->found;
	const char *program = line_text(line, "program_id");
	struct text text = TEXT_INIT;

	if (reader->is_begun)
		return unreadable(reader, "There is a second header.");
	if (line_number(line, "format") != LEDGER_FORMAT)
		return unreadable(reader, "This format of exports is not known here.");
	if (!program || !uuid_is_valid(program, strlen(program)))
		return unreadable(reader, "The header names no program.");
	strcpy(found->program_id, program);
	text_appendf(&text, "partnerd audit chain %s", program);
	SHA256((const unsigned char *)text.bytes, text.length, reader->head);
	text_release(&text);
	hex_encode(reader->head, sizeof reader->head, found->head_hash);
	reader->is_begun = true;
	return true;
}

static bool take_key(struct reader *reader, const json_t *line)
{
	return file_keys_take(&reader->keys, line) ||
	       fault(reader, reader->found->head_seq, NULL, "key_forged",
		       "A key is not the one that its name stands for.");
}

/* The entry is the next one, and its links are those of the chain. */
static bool follow(struct reader *reader, const json_t *entry,
	const unsigned char entry_hash[static LEDGER_DIGEST_BYTES], int64_t seq)
{
	struct ledger_file_report *found = reader->found;
	const char *before = line_text(entry, "prev_hash"), *after = line_text(entry, "hash");
	bool follows = before && strcmp(before, found->head_hash) == 0;

	ledger_link(reader->head, entry_hash, seq);
	hex_encode(reader->head, sizeof reader->head, found->head_hash);
	if (!follows || !after || strcmp(after, found->head_hash) != 0)
		return fault(reader, seq, entry, "chain_broken",
			"The link to the entry before does not hold.");
	found->head_seq = seq;
	if (reader->known && reader->known->seq == seq &&
		strcmp(reader->known->hash, found->head_hash) != 0)
		return fault(reader, seq, entry, "history_rewritten",
			"The chain is another one than was noted at this place.");
	return true;
}

static bool take_entry(struct reader *reader, const json_t *line)
{
	struct ledger_file_report *found = reader->found;
	unsigned char hash[LEDGER_DIGEST_BYTES];
	int64_t seq = line_number(line, "seq");

	found->report.entries++;
	if (seq != found->head_seq + 1)
		return fault(reader, seq, line, "entry_missing",
			"A sequence number before this one is missing.");
	const char *detail = entry_fault(line, found->program_id, hash);
	if (detail)
		return fault(reader, seq, line, "entry_changed", detail);
	if (!follow(reader, line, hash, seq))
		return false;
	if (entry_lacks_content(line))
		remember(reader->contents, line_text(line, "resource_id"), line);
	if (entry_lacks_address(line))
		remember(reader->addresses, line_text(line, "actor_id"), line);
	found->erased += entry_lacks_content(line) || entry_lacks_address(line);
	const char *action = line_text(line, "action");
	return !action || strcmp(action, ERASURE_ACTION) != 0 || take_erasure(reader, line);
}

static bool take_checkpoint(struct reader *reader, const json_t *line)
{
	reader->found->report.checkpoints++;
	return check_signature(reader, line) != NULL;
}

static bool take_end(struct reader *reader, const json_t *line)
{
	const char *signer = check_signature(reader, line);
	if (!signer)
		return false;
	if (!key_is_trusted(reader->trusted, signer))
		return fault(reader, reader->found->head_seq, NULL, "signer_unknown",
			"The head was signed with a key that is not among the trusted ones.");
	strcpy(reader->found->signer, signer);
	reader->is_ended = true;
	return true;
}

static const struct {
	const char *object;
	bool (*take)(struct reader *reader, const json_t *line);
} kinds[] = {
	{ "audit_export", take_header },
	{ "signing_key", take_key },
	{ "audit_entry", take_entry },
	{ "audit_checkpoint", take_checkpoint },
	{ "audit_export_end", take_end },
};

static bool take_object(struct reader *reader, const json_t *line)
{
	const char *object = line_text(line, "object");

	if (reader->is_ended)
		return unreadable(reader, "There is something behind the end.");
	if (!reader->is_begun && object && strcmp(object, "audit_export") != 0)
		return unreadable(reader, "The file does not begin with the header of an export.");
	for (size_t i = 0; object && i < sizeof kinds / sizeof kinds[0]; i++)
		if (strcmp(object, kinds[i].object) == 0)
			return kinds[i].take(reader, line);
	return unreadable(reader, "This is no line of an export.");
}

static bool take_line(void *context, const json_t *line, const char *bytes, size_t length)
{
	struct reader *reader = context;

	(void)bytes;
	(void)length;
	reader->found->line++;
	return line ? take_object(reader, line) : unreadable(reader, "This is no JSON object.");
}

static bool take_lines(struct reader *reader, FILE *file)
{
	enum file_end end = file_lines_read(file, take_line, reader);

	if (end == FILE_UNREAD)
		return unreadable(reader, "The file cannot be read to its end.");
	return end == FILE_WHOLE;
}

/* ---- the whole ---- */

static void check_end(struct reader *reader)
{
	struct ledger_file_report *found = reader->found;

	if (!reader->is_ended)
		fault(reader, found->head_seq, NULL, "export_cut",
			"The file ends before the line that signs the head.");
	else if (reader->known && reader->known->seq > found->head_seq)
		fault(reader, found->head_seq, NULL, "history_rewritten",
			"The chain does not reach the place that was noted.");
	take_uncovered(reader, reader->contents, "content_missing",
		"What the entry said was removed, and no erasure covers it.");
	take_uncovered(reader, reader->addresses, "address_missing",
		"The address was removed, and no erasure covers it.");
}

void ledger_file_verify(FILE *file, const json_t *trusted, const struct ledger_known *known,
	struct arena *arena, struct ledger_file_report *ret_report)
{
	struct reader *reader = arena_zalloc(arena, sizeof *reader);

	*ret_report = (struct ledger_file_report){ .report.is_valid = true };
	reader->arena = arena;
	reader->trusted = trusted;
	reader->known = known;
	reader->found = ret_report;
	reader->contents = json_object();
	reader->addresses = json_object();
	if (take_lines(reader, file))
		check_end(reader);
	ret_report->report.sealed = ret_report->report.entries;
	file_keys_release(&reader->keys);
	json_decref(reader->contents);
	json_decref(reader->addresses);
}
