/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between the facts of SQL and the rule of the domain. Requirements name a metric and a window;
 * every such pair is measured once for a partner, and found here by looking.
 */
#include "http/tier_reviews.h"

#include <string.h>

#include "base/uuid.h"
#include "http/endpoint.h"

static const char *text_of(const json_t *object, const char *member)
{
	return json_string_value(json_object_get(object, member));
}

static int64_t int_of(const json_t *object, const char *member)
{
	return json_integer_value(json_object_get(object, member));
}

static bool is_true(const json_t *object, const char *member)
{
	return json_is_true(json_object_get(object, member));
}

/* ---- reading ---- */

static struct tier_measure measure_of(
	const json_t *facts, const json_t *partner, const json_t *requirement)
{
	const json_t *measures = json_object_get(facts, "measures");
	size_t index;
	json_t *measure;
	json_array_foreach ((json_t *)measures, index, measure) {
		if (int_of(measure, "window_days") != int_of(requirement, "window_days") ||
			strcmp(text_of(measure, "metric"), text_of(requirement, "metric")) != 0)
			continue;
		const json_t *pair = json_array_get(json_object_get(partner, "values"), index);
		const json_t *value = json_array_get(pair, 0);
		return (struct tier_measure){ json_is_integer(value), json_integer_value(value),
			json_is_true(json_array_get(pair, 1)) };
	}
	return (struct tier_measure){ 0 };
}

static struct tier_rung rung_read(
	const json_t *facts, const json_t *partner, const json_t *tier, struct arena *arena)
{
	const json_t *list = json_object_get(tier, "requirements");
	size_t index, count = json_array_size(list);
	struct tier_requirement *requirements =
		arena_zalloc(arena, (count + 1) * sizeof *requirements);
	struct tier_measure *measures = arena_zalloc(arena, (count + 1) * sizeof *measures);
	json_t *item;
	json_array_foreach ((json_t *)list, index, item) {
		requirements[index] = (struct tier_requirement){
			.metric = text_of(item, "metric"),
			.is_most = strcmp(text_of(item, "comparison"), "lte") == 0,
			.value = int_of(item, "value"),
			.window_days = int_of(item, "window_days"),
		};
		measures[index] = measure_of(facts, partner, item);
	}
	return (struct tier_rung){ int_of(tier, "rank"), requirements, measures, count };
}

static size_t rung_find(const json_t *facts, const char *tier_id)
{
	size_t index;
	json_t *tier;
	json_array_foreach (json_object_get(facts, "tiers"), index, tier)
		if (tier_id != NULL && strcmp(text_of(tier, "id"), tier_id) == 0)
			return index;
	return TIER_NONE;
}

void tier_review_read(const json_t *facts, const json_t *partner, struct arena *arena,
	struct tier_standing_read *ret_standing)
{
	const json_t *tiers = json_object_get(facts, "tiers");
	size_t count = json_array_size(tiers);
	struct tier_rung *rungs = arena_zalloc(arena, (count + 1) * sizeof *rungs);
	for (size_t i = 0; i < count; i++)
		rungs[i] = rung_read(facts, partner, json_array_get(tiers, i), arena);
	ret_standing->review = (struct tier_review){
		.rungs = rungs,
		.rung_count = count,
		.current = rung_find(facts, text_of(partner, "tier_id")),
		.failed_reviews = int_of(partner, "failed_reviews"),
		.grace_reviews = int_of(facts, "grace_reviews"),
		.is_immune = is_true(partner, "is_immune"),
		.is_overridden = is_true(partner, "is_overridden"),
		.is_counted = is_true(partner, "is_counted"),
	};
	tier_review_decide(
		&ret_standing->review, &ret_standing->verdict, &ret_standing->explanation);
}

/* ---- writing ---- */

static json_t *known_int(bool is_known, int64_t value)
{
	return is_known ? json_integer((json_int_t)value) : json_null();
}

static json_t *requirement_json(
	const struct tier_requirement *requirement, const struct tier_measure *measure)
{
	const struct tier_standard standard = tier_requirement_judge(requirement, measure);
	const struct metric *metric = metric_find(requirement->metric);
	return json_pack("{s:s, s:s?, s:s, s:o, s:I, s:o, s:o, s:o, s:b}", "metric",
		requirement->metric, "unit", metric != NULL ? metric_unit_text(metric->unit) : NULL,
		"comparison", requirement->is_most ? "lte" : "gte", "window_days",
		known_int(requirement->window_days > 0, requirement->window_days), "need",
		(json_int_t)requirement->value, "have",
		known_int(measure->is_known, measure->value), "gap",
		known_int(measure->is_known, standard.gap), "surplus",
		known_int(measure->is_known, standard.surplus), "is_met", standard.is_met);
}

json_t *tier_rung_json(const json_t *facts, const struct tier_standing_read *standing, size_t index)
{
	if (index == TIER_NONE)
		return json_null();
	const struct tier_rung *rung = &standing->review.rungs[index];
	const json_t *tier = json_array_get(json_object_get(facts, "tiers"), index);
	json_t *requirements = json_array();
	for (size_t i = 0; i < rung->requirement_count; i++)
		json_array_append_new(
			requirements, requirement_json(&rung->requirements[i], &rung->measures[i]));
	return json_pack("{s:s, s:s, s:s, s:I, s:b, s:o}", "id", text_of(tier, "id"), "key",
		text_of(tier, "key"), "name", text_of(tier, "name"), "rank", (json_int_t)rung->rank,
		"is_met", tier_rung_is_met(rung), "requirements", requirements);
}

static void set_tier(json_t *result, const json_t *facts, const char *role, size_t index)
{
	const json_t *tier =
		index == TIER_NONE ? NULL : json_array_get(json_object_get(facts, "tiers"), index);
	char member[32];
	snprintf(member, sizeof member, "%s_tier_id", role);
	json_object_set_new(result, member, json_pack("s?", text_of(tier, "id")));
	snprintf(member, sizeof member, "%s_tier_name", role);
	json_object_set_new(result, member, json_pack("s?", text_of(tier, "name")));
}

static void set_ids(json_t *result)
{
	static const char *const members[] = { "review_id", "decision_id", "event_id",
		"partner_event_id", "change_id" };
	for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
		char id[UUID_TEXT_BYTES];
		uuid_v7(id);
		json_object_set_new(result, members[i], json_string(id));
	}
}

static json_t *rungs_json(const json_t *facts, const struct tier_standing_read *standing)
{
	json_t *tiers = json_array();
	for (size_t i = 0; i < standing->review.rung_count; i++)
		json_array_append_new(tiers, tier_rung_json(facts, standing, i));
	return tiers;
}

/* What the rule looked at beside the metrics. */
static json_t *inputs_json(const struct tier_review *review)
{
	return json_pack("{s:I, s:I, s:b, s:b, s:b}", "failed_reviews",
		(json_int_t)review->failed_reviews, "grace_reviews",
		(json_int_t)review->grace_reviews, "is_immune", review->is_immune, "is_overridden",
		review->is_overridden, "is_counted", review->is_counted);
}

static json_t *result_json(
	const json_t *facts, const json_t *partner, const struct tier_standing_read *standing)
{
	const struct tier_verdict *verdict = &standing->verdict;
	const struct explanation *why = &standing->explanation;
	json_t *result = json_pack("{s:s, s:s, s:I, s:s, s:I, s:b, s:s, s:s, s:i, s:o, s:o, s:o}",
		"partner_id", text_of(partner, "id"), "partner_name", text_of(partner, "name"),
		"version", (json_int_t)int_of(partner, "version"), "outcome",
		tier_outcome_text(verdict->outcome), "failed_reviews",
		(json_int_t)verdict->failed_reviews, "counts", verdict->counts, "reason",
		why->steps[why->step_count - 1].detail, "rule_set", why->rule_set,
		"rule_set_version", why->rule_set_version, "steps", explanation_steps(why),
		"inputs", inputs_json(&standing->review), "tiers", rungs_json(facts, standing));
	set_ids(result);
	set_tier(result, facts, "from", standing->review.current);
	set_tier(result, facts, "to", verdict->to);
	set_tier(result, facts, "earned", verdict->earned);
	return result;
}

json_t *tier_reviews_judge(const json_t *facts, struct arena *arena)
{
	json_t *results = json_array();
	size_t index;
	json_t *partner;
	json_array_foreach (json_object_get(facts, "partners"), index, partner) {
		struct tier_standing_read standing;
		tier_review_read(facts, partner, arena, &standing);
		json_array_append_new(results, result_json(facts, partner, &standing));
	}
	return results;
}
