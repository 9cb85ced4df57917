/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tiers: a name and a rank, and terms in versions. Terms are edited as a draft, published with
 * notice, and in force by the clock; approved deals keep the margin they locked. Several tiers at
 * once come from a preset.
 */
#include <string.h>

#include "base/clock.h"
#include "resources.h"
#include "tier_terms.h"

static const struct resource tier_resource = {
	.object = "tier",
	.shape = "tier_shape",
	.path = "/v1/tiers/",
	.shared = true,
	.transitions = tier_transitions,
};

static const struct filter tier_filters[] = {
	{ .parameter = "status", .type = 't' },
	{ 0 },
};

static const struct sort tier_sorts[] = {
	{ .name = "rank", .column = "rank", .type = 'i' },
	{ .name = "created_at", .column = "created_at", .type = 'z' },
	{ 0 },
};

static const struct list tier_list = {
	.resource = &tier_resource, .filters = tier_filters, .sorts = tier_sorts
};

static const struct resource tier_version_resource = {
	.object = "tier_version",
	.shape = "tier_version_shape",
	.shared = true,
};

static const struct filter tier_version_filters[] = {
	{ .parameter = "tier_id", .type = 'u', .from_path = true },
	{ .parameter = "status", .type = 't' },
	{ 0 },
};

static const struct sort tier_version_sorts[] = {
	{ .name = "created_at", .column = "created_at", .type = 'z' },
	{ 0 },
};

static const struct list tier_version_list = {
	.resource = &tier_version_resource,
	.filters = tier_version_filters,
	.sorts = tier_version_sorts,
	.parent = &tier_resource,
};

/* ---- terms ---- */

static void decref(void *value)
{
	json_decref(value);
}

static void take_member(json_t *terms, const json_t *from, const char *name)
{
	json_t *value = json_object_get(from, name);
	if (value != NULL)
		json_object_set(terms, name, value);
}

/* The terms that result: members that a body leaves out stay what is planned, or are empty. */
static json_t *terms_written(const struct command_input *in, const json_t *planned)
{
	static const char *const band[] = { "floor_bps", "base_bps", "cap_bps" };
	static const char *const lists[] = { "benefits", "requirements" };
	json_t *terms = json_pack("{s:[], s:[]}", "benefits", "requirements");
	arena_defer(in->request->arena, decref, terms);
	for (size_t i = 0; i < sizeof band / sizeof band[0]; i++) {
		take_member(terms, planned, band[i]);
		take_member(terms, json_object_get(in->body, "margin_band"), band[i]);
	}
	for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
		take_member(terms, planned, lists[i]);
		take_member(terms, in->body, lists[i]);
	}
	return terms;
}

static bool check_terms(
	const struct command_input *in, const json_t *terms, struct problem *problem)
{
	struct arena *arena = in->request->arena;
	return tier_terms_check(terms_read(terms, facts_json(in, "catalogue"), arena),
		rows_int(in->facts, "margin_cap_bps"), arena, problem);
}

static void set_terms(struct decision *out, json_t *terms)
{
	char id[UUID_TEXT_BYTES];
	uuid_v7(id);
	json_object_set_new(out->fields, "draft_id", json_string(id));
	json_object_set(out->fields, "terms", terms);
}

static bool decide_create(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	json_t *terms = terms_written(in, NULL);
	out->event = "tier.created";
	set_terms(out, terms);
	return check_terms(in, terms, problem);
}

/* Whether the terms are those that are planned already. */
static bool is_planned(const json_t *terms, const json_t *planned)
{
	const char *name;
	json_t *value;
	json_object_foreach ((json_t *)terms, name, value)
		if (!json_equal(value, json_object_get(planned, name)))
			return false;
	return true;
}

/* ---- beside other tiers ---- */

static int64_t time_member(const json_t *object, const char *member)
{
	const json_t *value = json_object_get(object, member);
	int64_t time_us = TIER_FOREVER_US;
	if (json_is_string(value))
		time_parse(json_string_value(value), json_string_length(value), &time_us);
	return time_us;
}

static bool check_bands(const struct command_input *in, const struct tier_standing *own,
	const char *where, struct problem *problem)
{
	struct arena *arena = in->request->arena;
	const json_t *list = facts_json(in, "neighbours");
	struct tier_standing *others =
		arena_zalloc(arena, (json_array_size(list) + 1) * sizeof *others);
	size_t index;
	json_t *item;
	json_array_foreach ((json_t *)list, index, item) {
		others[index] = (struct tier_standing){
			.name = json_string_value(json_object_get(item, "name")),
			.rank = json_integer_value(json_object_get(item, "rank")),
			.band = terms_read(item, NULL, arena)->band,
			.from_us = time_member(item, "from"),
			.until_us = time_member(item, "until"),
		};
	}
	return tier_bands_check(own, others, json_array_size(list), where, arena, problem);
}

/* A new rank holds at once, for the terms in force and for those announced. */
static bool check_rank(const struct command_input *in, struct problem *problem)
{
	const json_t *last = facts_json(in, "last");
	const int64_t rank = command_body_int(in, "rank", 0);
	if (rank == 0 || last == NULL)
		return true;
	json_t *before = json_loads(in->before, 0, NULL);
	arena_defer(in->request->arena, decref, before);
	struct tier_standing own = {
		.rank = rank,
		.band = { json_integer_value(json_object_get(before, "margin_band.floor_bps")),
			json_integer_value(json_object_get(before, "margin_band.base_bps")),
			json_integer_value(json_object_get(before, "margin_band.cap_bps")) },
		.from_us = rows_time(in->facts, "now"),
		.until_us = rows_time(in->facts, "last_from"),
	};
	if (own.until_us > own.from_us && !check_bands(in, &own, "#/rank", problem))
		return false;
	own.band = terms_read(last, NULL, in->request->arena)->band;
	own.from_us = own.until_us > own.from_us ? own.until_us : own.from_us;
	own.until_us = TIER_FOREVER_US;
	return check_bands(in, &own, "#/rank", problem);
}

static bool decide_update(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	static const char *const plain[] = { "name", "rank", NULL };
	const char *status = command_before_text(in, "status");
	const json_t *planned = facts_json(in, "planned");
	if (strcmp(status, "retired") == 0)
		return problem_set(problem, PROBLEM_conflict, "A retired tier stays as it is.");
	json_t *terms = terms_written(in, planned), *set = json_object();
	json_object_set_new(out->fields, "set", set);
	patch_columns(in, set, plain);
	out->event = "tier.updated";
	if (!is_planned(terms, planned)) {
		set_terms(out, terms);
		check_terms(in, terms, problem);
	}
	check_rank(in, problem);
	return !problem->is_set;
}

/* ---- publication ---- */

/* The state that actions go by: a published tier that has a draft is "revised". */
static bool require_action(const struct command_input *in, const char *action,
	const char *participle, struct problem *problem)
{
	const char *state = command_before_text(in, "allowed_actions");
	return transition_require(tier_transitions, "tier", action, participle, state, problem) !=
	       NULL;
}

static json_t *changes_json(const struct tier_difference *difference)
{
	json_t *changes = json_array();
	for (size_t i = 0; i < difference->change_count; i++)
		json_array_append_new(changes,
			json_pack("{s:s, s:s}", "member", difference->changes[i].member, "effect",
				difference->changes[i].effect > 0 ? "better" : "worse"));
	return changes;
}

static void keep_publication(const struct command_input *in, const char *effective_at,
	const struct tier_difference *difference, struct decision *out)
{
	json_t *last = facts_json(in, "last"), *planned = facts_json(in, "planned");
	json_object_set(out->inputs, "draft", planned);
	if (last != NULL)
		json_object_set(out->inputs, "published_last", last);
	json_object_set_new(
		out->inputs, "notice_days", json_integer(rows_int(in->facts, "tier_notice_days")));
	json_object_set_new(out->outcome, "effective_at", json_string(effective_at));
	json_object_set_new(
		out->outcome, "favours_partner", json_boolean(tier_favours_partner(difference)));
	json_object_set_new(out->outcome, "changes", changes_json(difference));
	out->is_kept = true;
}

/* As it was asked for, cut to what answers show; or as soon as it may be, to the microsecond. */
static const char *effective_text(const struct command_input *in,
	const struct tier_publication *publication, int64_t effective_us)
{
	char text[TIME_TEXT_BYTES];
	if (!publication->has_wanted && effective_us == publication->now_us)
		return rows_text(in->facts, "now");
	if (!publication->has_wanted && effective_us == publication->last_from_us)
		return rows_text(in->facts, "last_from");
	if (!publication->has_wanted)
		return rows_text(in->facts, "notice_ends_at");
	time_format(effective_us, text);
	return arena_strdup(in->request->arena, text);
}

#define MILLISECOND_US 1000

static bool read_wanted(const struct command_input *in, struct tier_publication *publication,
	struct problem *problem)
{
	const char *text = command_body_text(in, "effective_at");
	if (text == NULL)
		return true;
	publication->has_wanted = true;
	if (!time_parse(text, strlen(text), &publication->wanted_us)) {
		problem_add(problem, in->request->arena, PLACE_POINTER, "#/effective_at",
			VIOLATION_invalid_format, "Not an instant.");
		return false;
	}
	publication->wanted_us -= publication->wanted_us % MILLISECOND_US;
	return true;
}

static bool decide_publish(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	struct arena *arena = in->request->arena;
	const json_t *catalogue = facts_json(in, "catalogue"), *last = facts_json(in, "last"),
		     *planned = facts_json(in, "planned");
	if (!require_action(in, "publish", "published", problem))
		return false;
	struct tier_publication publication = {
		.before = last != NULL ? terms_read(last, catalogue, arena) : NULL,
		.after = terms_read(planned, catalogue, arena),
		.now_us = rows_time(in->facts, "now"),
		.notice_days = rows_int(in->facts, "tier_notice_days"),
		.notice_ends_us = rows_time(in->facts, "notice_ends_at"),
		.last_from_us = rows_time(in->facts, "last_from"),
	};
	struct tier_difference difference;
	int64_t effective_us;
	if (!read_wanted(in, &publication, problem) ||
		!tier_publish_decide(&publication, &effective_us, &difference, &out->explanation,
			arena, problem))
		return false;
	const struct tier_standing own = {
		.rank = json_integer_value(json_object_get(planned, "rank")),
		.band = publication.after->band,
		.from_us = effective_us,
		.until_us = TIER_FOREVER_US,
	};
	if (!check_bands(in, &own, "#/draft", problem))
		return false;
	const char *effective_at = effective_text(in, &publication, effective_us);
	json_object_set_new(out->fields, "effective_at", json_string(effective_at));
	json_object_set_new(
		out->fields, "notice_days", json_integer((json_int_t)publication.notice_days));
	keep_publication(in, effective_at, &difference, out);
	out->event = "tier.published";
	return true;
}

static bool decide_discard(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	out->event = "tier.draft_discarded";
	return require_action(in, "discard-draft", "reset", problem);
}

static bool decide_retire(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	const long long partners = (long long)rows_int(in->facts, "partner_count");
	if (!require_action(in, "retire", "retired", problem))
		return false;
	if (partners > 0)
		return problem_set(problem, PROBLEM_tier_in_use,
			"%lld partners are in the tier: move them first.", partners);
	out->event = "tier.retired";
	return true;
}

/* ---- presets ---- */

#define PRESET_TIERS 3

static json_t *new_ids(void)
{
	json_t *ids = json_array();
	for (int i = 0; i < PRESET_TIERS; i++) {
		char id[UUID_TEXT_BYTES];
		uuid_v7(id);
		json_array_append_new(ids, json_string(id));
	}
	return ids;
}

static bool decide_preset(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	json_t *published = facts_json(in, "published"), *keys = facts_json(in, "keys");
	const char *taken_key = rows_text(in->facts, "taken_key"),
		   *taken_rank = rows_text(in->facts, "taken_rank_name");
	json_object_set_new(out->fields, "tier_ids", new_ids());
	json_object_set_new(out->fields, "tier_event_ids", new_ids());
	out->event = "program.tiers_applied";
	if (published != NULL && json_equal(published, keys))
		return true;
	if (published != NULL)
		return problem_set(problem, PROBLEM_conflict,
			"The program has published tiers: retire them first.");
	if (taken_key != NULL)
		return problem_set(problem, PROBLEM_already_exists,
			"There is a tier with the key '%s' already.", taken_key);
	if (taken_rank != NULL)
		return problem_set(problem, PROBLEM_already_exists,
			"The tier '%s' has a rank that the preset needs.", taken_rank);
	return true;
}

#define COMMAND(operation, rule, statement)                                                     \
	{                                                                                       \
		.operation_id = (operation), .resource = &tier_resource, .facts = "tier_facts", \
		.decide = (rule), .write = (statement)                                          \
	}

const struct endpoint tier_endpoints[] = {
	{ .operation_id = "listTiers", .list = &tier_list },
	{ .operation_id = "getTier", .resource = &tier_resource, .get = true },
	{ .operation_id = "listTierVersions", .list = &tier_version_list },
	{ .operation_id = "createTier",
		.resource = &tier_resource,
		.facts = "tier_facts",
		.decide = decide_create,
		.write = "tier_create",
		.creates = true },
	COMMAND("updateTier", decide_update, "tier_change"),
	COMMAND("publishTier", decide_publish, "tier_publish"),
	COMMAND("discardTierDraft", decide_discard, "tier_discard_draft"),
	COMMAND("retireTier", decide_retire, "tier_retire"),
	{ .operation_id = "applyTierPreset",
		.resource = &program_resource,
		.facts = "tier_preset_facts",
		.decide = decide_preset,
		.write = "tier_preset_apply",
		.self = SELF_PROGRAM },
	{ 0 },
};
