/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verifies a bundle with nothing but the file. Every piece of the chain must follow from its first
 * hash to the signed checkpoint behind it; what the bundle says of deals, evidence and notices must
 * be what the entries of these pieces say; and the last line signs every byte before it.
 */
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "http/dispute_bundle.h"
#include "http/ledger.h"
#include "ledger_keys.h"

struct reader {
	struct arena *arena;
	const json_t *trusted;
	struct dispute_file_report *found;
	struct file_keys keys;
	EVP_MD_CTX *sum; /* of the lines so far */
	int64_t lines;
	/* the piece of the chain that is being read */
	unsigned char head[LEDGER_DIGEST_BYTES];
	char head_hash[2 * LEDGER_DIGEST_BYTES + 1];
	int64_t head_seq;
	bool is_in_segment;
	json_t *entries; /* "<sequence>" → the entry */
	json_t *claims;  /* lines that entries must bear out */
	bool is_begun, is_ended;
};

/* Returns false, so that who finds a fault can return it. */
static bool fault(struct reader *reader, const char *kind, const char *detail)
{
	struct dispute_file_report *found = reader->found;

	if (found->fault_kind)
		return false;
	found->is_valid = false;
	found->fault_kind = kind;
	found->fault_detail = detail;
	return false;
}

static bool unreadable(struct reader *reader, const char *detail)
{
	return fault(reader, "line_unreadable", detail);
}

/* ---- the chain ---- */

static bool take_segment(struct reader *reader, const json_t *line)
{
	int64_t seq = line_number(line, "seq");

	if (reader->is_in_segment)
		return fault(reader, "chain_broken",
			"A piece of the chain ends before a signed checkpoint.");
	if (seq <= reader->head_seq || !line_digest(line, "prev_hash", reader->head))
		return fault(reader, "chain_broken", "A piece of the chain is out of order.");
	reader->head_seq = seq - 1;
	strcpy(reader->head_hash, line_text(line, "prev_hash"));
	reader->is_in_segment = true;
	return true;
}

static bool follow(struct reader *reader, const json_t *line,
	const unsigned char hash[static LEDGER_DIGEST_BYTES])
{
	int64_t seq = line_number(line, "seq");

	if (!reader->is_in_segment || seq != reader->head_seq + 1)
		return fault(
			reader, "entry_missing", "A sequence number before this one is missing.");
	ledger_link(reader->head, hash, seq);
	hex_encode(reader->head, sizeof reader->head, reader->head_hash);
	reader->head_seq = seq;
	return true;
}

static bool take_link(struct reader *reader, const json_t *line)
{
	unsigned char hash[LEDGER_DIGEST_BYTES];

	if (!line_digest(line, "entry_hash", hash))
		return unreadable(reader, "A link has no hash.");
	return follow(reader, line, hash);
}

static bool take_entry(struct reader *reader, const json_t *line)
{
	unsigned char hash[LEDGER_DIGEST_BYTES];
	const char *before = line_text(line, "prev_hash"), *after = line_text(line, "hash");
	const char *detail = entry_fault(line, reader->found->program_id, hash);
	char seq[24];

	if (detail)
		return fault(reader, "entry_changed", detail);
	if (!before || strcmp(before, reader->head_hash) != 0)
		return fault(reader, "chain_broken", "The link to the entry before does not hold.");
	if (!follow(reader, line, hash))
		return false;
	if (!after || strcmp(after, reader->head_hash) != 0)
		return fault(reader, "chain_broken", "An entry has another place in the chain.");
	reader->found->entries++;
	snprintf(seq, sizeof seq, "%lld", (long long)reader->head_seq);
	json_object_set(reader->entries, seq, (json_t *)line);
	return true;
}

static bool take_checkpoint(struct reader *reader, const json_t *line)
{
	const char *hash = line_text(line, "hash");
	struct text text = TEXT_INIT;

	if (!reader->is_in_segment || line_number(line, "seq") != reader->head_seq || !hash ||
		strcmp(hash, reader->head_hash) != 0)
		return fault(reader, "checkpoint_unreached",
			"The chain does not reach this signed checkpoint.");
	text_appendf(&text, LEDGER_SIGNED_TEXT, reader->found->program_id,
		(long long)reader->head_seq, reader->head_hash);
	const char *signer =
		file_keys_signer(&reader->keys, line_text(line, "signature"), slice_of(text.bytes));
	text_release(&text);
	reader->is_in_segment = false;
	reader->found->checkpoints++;
	return signer || fault(reader, "checkpoint_forged",
				 "The signature of this checkpoint does not hold.");
}

/* ---- what the bundle says ---- */

static bool take_key(struct reader *reader, const json_t *line)
{
	return file_keys_take(&reader->keys, line) ||
	       fault(reader, "key_forged", "A key is not the one that its name stands for.");
}

static bool take_claim(struct reader *reader, const json_t *line)
{
	json_array_append(reader->claims, (json_t *)line);
	return true;
}

static bool take_as_it_is(struct reader *reader, const json_t *line)
{
	return json_object_size(line) > 1 || unreadable(reader, "A line says nothing.");
}

static const json_t *entry_at(const struct reader *reader, const json_t *seq)
{
	char name[24];

	snprintf(name, sizeof name, "%lld", (long long)json_integer_value(seq));
	return json_object_get(reader->entries, name);
}

static bool same_text(const char *one, const char *other)
{
	return one && other ? strcmp(one, other) == 0 : one == other;
}

static bool unproven(struct reader *reader, const char *detail)
{
	return fault(reader, "claim_unproven", detail);
}

/* The entry at the place is about the row, and says that this was done to it. */
static bool proves(
	const struct reader *reader, const json_t *seq, const char *id, const char *action)
{
	const json_t *entry = entry_at(reader, seq);

	return entry && id && same_text(line_text(entry, "resource_id"), id) &&
	       (!action || same_text(line_text(entry, "action"), action));
}

/* A claim is laid by a submission, or by a change of who the customer is. */
static bool proves_claim(const struct reader *reader, const json_t *seq, const char *id)
{
	return proves(reader, seq, id, "deal.submitted") || proves(reader, seq, id, "deal.updated");
}

static bool check_case(struct reader *reader, const json_t *line)
{
	return proves(reader, json_object_get(line, "sequence"), reader->found->dispute_id, NULL) ||
	       unproven(reader, "No entry of the chain is about the dispute.");
}

static bool check_conflict(struct reader *reader, const json_t *line)
{
	const char *id = line_text(json_object_get(line, "row"), "id");

	return proves(reader, json_object_get(line, "sequence"), id, NULL) ||
	       unproven(reader, "No entry of the chain is about the conflict.");
}

static bool check_deal(struct reader *reader, const json_t *line)
{
	struct dispute_file_report *found = reader->found;
	const char *id = line_text(json_object_get(line, "row"), "id");
	const json_t *claim = json_object_get(line, "claim_sequence");
	bool is_claimant = same_text(line_text(line, "party"), "claimant");
	int64_t seq = json_integer_value(claim);

	if (!proves(reader, json_object_get(line, "sequence"), id, NULL) ||
		(!json_is_null(claim) && !proves_claim(reader, claim, id)))
		return unproven(reader, "No entry of the chain lays the claim of the deal there.");
	if (seq < found->claimant_claimed || seq < found->respondent_claimed)
		return unproven(reader, "The deals do not stand in the order of their claims.");
	*(is_claimant ? &found->claimant_claimed : &found->respondent_claimed) = seq;
	return true;
}

/* What was submitted is what the entry says was submitted. */
static bool check_evidence(struct reader *reader, const json_t *line)
{
	const json_t *row = json_object_get(line, "row"), *seq = json_object_get(line, "sequence"),
		     *document = json_object_get(row, "document");

	if (!proves(reader, seq, line_text(row, "id"), "dispute_evidence.submitted"))
		return unproven(reader, "No entry of the chain says that this was submitted.");
	const char *current = line_text(entry_at(reader, seq), "current");
	json_t *said = current ? json_loads(current, JSON_REJECT_DUPLICATES, NULL) : NULL;
	bool same = said && same_text(line_text(said, "title"), line_text(row, "title")) &&
		    same_text(line_text(said, "text"), line_text(row, "text")) &&
		    same_text(line_text(said, "document.sha256"), line_text(document, "sha256"));
	json_decref(said);
	reader->found->evidence++;
	return same || unproven(reader, "The evidence is not what was submitted.");
}

static bool check_notice(struct reader *reader, const json_t *line)
{
	const json_t *seq = json_object_get(line, "sequence"), *entry = entry_at(reader, seq);
	const json_t *resource = json_object_get(line, "resource");

	return (proves(reader, seq, line_text(resource, "id"), NULL) &&
		       same_text(line_text(entry, "id"), line_text(line, "event_id"))) ||
	       unproven(reader, "No entry of the chain stands behind this notice.");
}

static const struct {
	const char *object;
	bool (*check)(struct reader *reader, const json_t *line);
} checks[] = {
	{ "dispute_case", check_case },
	{ "dispute_conflict", check_conflict },
	{ "dispute_deal", check_deal },
	{ "dispute_evidence", check_evidence },
	{ "dispute_notice", check_notice },
};

static bool check_claims(struct reader *reader)
{
	const json_t *line;
	size_t index;

	json_array_foreach (reader->claims, index, line)
		for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++)
			if (same_text(line_text(line, "object"), checks[i].object) &&
				!checks[i].check(reader, line))
				return false;
	return true;
}

/* ---- lines ---- */

static bool take_header(struct reader *reader, const json_t *line)
{
	struct dispute_file_report *found = reader->found;
	const char *program = line_text(line, "program_id"),
		   *dispute = line_text(line, "dispute_id"), *number = line_text(line, "number"),
		   *audience = line_text(line, "audience");

	if (reader->is_begun)
		return unreadable(reader, "There is a second header.");
	if (line_number(line, "format") != DISPUTE_BUNDLE_FORMAT)
		return unreadable(reader, "This format of bundles is not known here.");
	if (!program || !dispute || !uuid_is_valid(program, strlen(program)) ||
		!uuid_is_valid(dispute, strlen(dispute)) || !number || !audience)
		return unreadable(reader, "The header does not say what the bundle is about.");
	strcpy(found->program_id, program);
	strcpy(found->dispute_id, dispute);
	found->number = arena_strdup(reader->arena, number);
	found->audience = arena_strdup(reader->arena, audience);
	reader->is_begun = true;
	return true;
}

static bool sum_holds(struct reader *reader, const json_t *line, char ret_sum[static 65])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	const char *claimed = line_text(line, "sha256");

	EVP_DigestFinal_ex(reader->sum, digest, NULL);
	hex_encode(digest, LEDGER_DIGEST_BYTES, ret_sum);
	return claimed && strcmp(claimed, ret_sum) == 0 &&
	       line_number(line, "lines") == reader->lines;
}

static const char *end_signer(const struct reader *reader, const json_t *line, const char *sum)
{
	const struct dispute_file_report *found = reader->found;
	struct text text = TEXT_INIT;

	text_appendf(&text, DISPUTE_BUNDLE_SIGNED_TEXT, found->program_id, found->dispute_id,
		found->audience, (long long)reader->lines, sum);
	const char *signer =
		file_keys_signer(&reader->keys, line_text(line, "signature"), slice_of(text.bytes));
	text_release(&text);
	return signer;
}

static bool take_end(struct reader *reader, const json_t *line)
{
	char sum[65];

	if (reader->is_in_segment)
		return fault(reader, "chain_broken",
			"A piece of the chain ends before a signed checkpoint.");
	if (!check_claims(reader))
		return false;
	if (!sum_holds(reader, line, sum))
		return fault(reader, "bundle_changed",
			"The lines are not those that were signed, or not all of them.");
	const char *signer = end_signer(reader, line, sum);
	if (!signer)
		return fault(reader, "bundle_forged", "The signature of the bundle does not hold.");
	if (!key_is_trusted(reader->trusted, signer))
		return fault(reader, "signer_unknown",
			"The bundle was signed with a key that is not among the trusted ones.");
	strcpy(reader->found->signer, signer);
	reader->is_ended = true;
	return true;
}

static const struct {
	const char *object;
	bool (*take)(struct reader *reader, const json_t *line);
} kinds[] = {
	{ "dispute_bundle", take_header },
	{ "signing_key", take_key },
	{ "dispute_case", take_claim },
	{ "dispute_deal", take_claim },
	{ "dispute_conflict", take_claim },
	{ "dispute_evidence", take_claim },
	{ "dispute_notice", take_claim },
	{ "dispute_decision", take_as_it_is },
	{ "dispute_rules", take_as_it_is },
	{ "audit_segment", take_segment },
	{ "audit_entry", take_entry },
	{ "audit_link", take_link },
	{ "audit_checkpoint", take_checkpoint },
	{ "dispute_bundle_end", take_end },
};

static bool take_object(struct reader *reader, const json_t *line)
{
	const char *object = line_text(line, "object");

	if (reader->is_ended)
		return unreadable(reader, "There is something behind the end.");
	if (!reader->is_begun && object && strcmp(object, "dispute_bundle") != 0)
		return unreadable(reader, "The file does not begin with the header of a bundle.");
	for (size_t i = 0; object && i < sizeof kinds / sizeof kinds[0]; i++)
		if (strcmp(object, kinds[i].object) == 0)
			return kinds[i].take(reader, line);
	return unreadable(reader, "This is no line of a bundle.");
}

static bool take_line(void *context, const json_t *line, const char *bytes, size_t length)
{
	struct reader *reader = context;

	reader->found->line++;
	bool good =
		line ? take_object(reader, line) : unreadable(reader, "This is no JSON object.");
	if (!reader->is_ended) {
		EVP_DigestUpdate(reader->sum, bytes, length);
		reader->lines++;
	}
	return good;
}

static bool take_lines(struct reader *reader, FILE *file)
{
	enum file_end end = file_lines_read(file, take_line, reader);

	if (end == FILE_UNREAD)
		return unreadable(reader, "The file cannot be read to its end.");
	return end == FILE_WHOLE;
}

void dispute_file_verify(FILE *file, const json_t *trusted, struct arena *arena,
	struct dispute_file_report *ret_report)
{
	struct reader *reader = arena_zalloc(arena, sizeof *reader);

	*ret_report = (struct dispute_file_report){ .is_valid = true };
	reader->arena = arena;
	reader->trusted = trusted;
	reader->found = ret_report;
	reader->entries = json_object();
	reader->claims = json_array();
	reader->sum = EVP_MD_CTX_new();
	if (!reader->sum || EVP_DigestInit_ex(reader->sum, EVP_sha256(), NULL) != 1)
		abort();
	if (take_lines(reader, file) && !reader->is_ended)
		fault(reader, "bundle_cut", "The file ends before the line that signs it.");
	EVP_MD_CTX_free(reader->sum);
	file_keys_release(&reader->keys);
	json_decref(reader->entries);
	json_decref(reader->claims);
}
