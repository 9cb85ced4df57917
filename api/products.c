/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is sold, and price lists. A price is never edited: a new one takes over from its beginning,
 * and one that has not begun can be withdrawn, so that what was quoted stays explained.
 */
#include <string.h>

#include "base/clock.h"
#include "base/money.h"
#include "margin.h"
#include "resources.h"

/* ---- products ---- */

static const struct transition product_transitions[] = {
	{ "retire", "active", "retired" },
	{ "reinstate", "retired", "active" },
	{ 0 },
};

static const struct resource product_resource = {
	.object = "product",
	.shape = "product_shape",
	.path = "/v1/products/",
	.shared = true,
	.transitions = product_transitions,
};

static const struct filter product_filters[] = {
	{ .parameter = "status", .type = 't' },
	{ .parameter = "kind", .type = 't' },
	{ .parameter = "key", .type = 't' },
	{ 0 },
};

static const struct sort product_sorts[] = {
	{ .name = "name", .column = "name", .type = 't' },
	{ .name = "created_at", .column = "created_at", .type = 'z' },
	{ 0 },
};

static const struct list product_list = {
	.resource = &product_resource, .filters = product_filters, .sorts = product_sorts
};

static bool decide_create(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	(void)in;
	(void)problem;
	out->event = "product.created";
	return true;
}

static bool decide_update(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	static const char *const plain[] = { "name", "description", "unit", NULL };
	json_t *set = json_object();
	(void)problem;
	json_object_set_new(out->fields, "set", set);
	patch_columns(in, set, plain);
	out->event = "product.updated";
	return true;
}

static bool decide_move(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	const char *action = command_action(in);
	bool is_retire = strcmp(action, "retire") == 0;
	const struct transition *move = transition_require(product_transitions, "product", action,
		is_retire ? "retired" : "reinstated", command_before_text(in, "status"), problem);
	if (move == NULL)
		return false;
	json_object_set_new(out->fields, "set", json_pack("{s:s}", "status", move->to));
	out->event = is_retire ? "product.retired" : "product.reinstated";
	return true;
}

/* ---- prices ---- */

static const struct transition price_transitions[] = {
	{ "withdraw", "planned", "withdrawn" },
	{ 0 },
};

static const struct resource price_resource = {
	.object = "product_price",
	.shape = "product_price_shape",
	.path = "/v1/product-prices/",
	.shared = true,
	.transitions = price_transitions,
};

static const struct filter price_filters[] = {
	{ .parameter = "product_id", .type = 'u' },
	{ .parameter = "status", .type = 't' },
	{ .parameter = "currency",
		.sql = "s.\"unit_amount.currency\" = {}",
		.sql_many = "s.\"unit_amount.currency\" = any({})",
		.type = 't' },
	{ 0 },
};

static const struct sort price_sorts[] = {
	{ .name = "created_at", .column = "created_at", .type = 'z' },
	{ .name = "valid_from", .column = "valid_from", .type = 'z' },
	{ 0 },
};

static const struct list price_list = {
	.resource = &price_resource, .filters = price_filters, .sorts = price_sorts
};

/* Each band with all its members. */
static json_t *bands_json(const struct price *price)
{
	json_t *bands = json_array();
	for (size_t i = 0; i < price->band_count; i++) {
		const struct price_band *band = &price->bands[i];
		json_array_append_new(
			bands, json_pack("{s:I, s:o, s:o}", "from_quantity",
				       (json_int_t)band->from_quantity, "unit_amount_minor",
				       band->has_amount ? json_integer(band->unit_amount_minor)
							: json_null(),
				       "discount_bps",
				       band->has_discount ? json_integer(band->discount_bps)
							  : json_null()));
	}
	return bands;
}

static json_t *warnings_json(const struct price *price)
{
	struct price_anomaly anomalies[PRICE_MAX_BANDS];
	size_t count = price_anomalies(price, anomalies);
	json_t *warnings = json_array();
	for (size_t i = 0; i < count; i++) {
		const struct price_anomaly *anomaly = &anomalies[i];
		json_array_append_new(warnings,
			json_pack("{s:o, s:s, s:o}", "pointer",
				json_sprintf("#/volume_bands/%zu", anomaly->band), "code",
				"slab_anomaly", "detail",
				json_sprintf("%lld units cost %lld, less than %lld units, which "
					     "cost %lld.",
					(long long)anomaly->from_quantity,
					(long long)anomaly->costs_minor,
					(long long)anomaly->dearer_quantity,
					(long long)anomaly->dearer_costs_minor)));
	}
	return warnings;
}

static void check_product(const struct command_input *in, struct problem *problem)
{
	const char *status = rows_text(in->facts, "product_status");
	if (status == NULL)
		problem_add(problem, in->request->arena, PLACE_POINTER, "#/product_id",
			VIOLATION_reference_not_found, "There is no such product.");
	else if (strcmp(status, "active") != 0)
		problem_add(problem, in->request->arena, PLACE_POINTER, "#/product_id",
			VIOLATION_inconsistent, "The product is not sold any more.");
}

/* Now when it is left out; never before, so that no quote is made wrong afterwards. */
static const char *beginning(const struct command_input *in, struct problem *problem)
{
	const char *asked = command_body_text(in, "valid_from");
	int64_t asked_us = 0;
	if (asked == NULL)
		return rows_text(in->facts, "now");
	if (!time_parse(asked, strlen(asked), &asked_us) || asked_us < rows_time(in->facts, "now"))
		problem_add(problem, in->request->arena, PLACE_POINTER, "#/valid_from",
			VIOLATION_too_small, "A price begins now or later.");
	return asked;
}

static bool decide_price(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	struct arena *arena = in->request->arena;
	const json_t *amount = json_object_get(in->body, "unit_amount");
	const char *currency = json_string_value(json_object_get(amount, "currency")),
		   *mode = command_body_text(in, "volume_mode");
	struct price price = price_read(json_integer_value(json_object_get(amount, "amount_minor")),
		mode, json_object_get(in->body, "volume_bands"));
	const char *valid_from = beginning(in, problem);
	out->event = "product_price.published";
	check_product(in, problem);
	if (!currency_exponent(currency, NULL))
		problem_add(problem, arena, PLACE_POINTER, "#/unit_amount/currency",
			VIOLATION_invalid_choice, "'%s' is not an active ISO 4217 currency.",
			currency);
	price_check(&price, "#/volume_bands", arena, problem);
	if (problem->is_set)
		return false;
	json_object_update_new(out->fields,
		json_pack("{s:s, s:o, s:o, s:s}", "volume_mode", volume_mode_text(price.mode),
			"volume_bands", bands_json(&price), "warnings", warnings_json(&price),
			"valid_from", valid_from));
	return true;
}

static bool decide_withdraw(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	out->event = "product_price.withdrawn";
	return transition_require(price_transitions, "price", "withdraw", "withdrawn",
		       command_before_text(in, "status"), problem) != NULL;
}

const struct endpoint product_endpoints[] = {
	{ .operation_id = "listProducts", .list = &product_list },
	{ .operation_id = "getProduct", .resource = &product_resource, .get = true },
	{ .operation_id = "createProduct",
		.resource = &product_resource,
		.decide = decide_create,
		.write = "product_create",
		.creates = true },
	{ .operation_id = "updateProduct",
		.resource = &product_resource,
		.decide = decide_update,
		.write = "product_change" },
	{ .operation_id = "retireProduct",
		.resource = &product_resource,
		.decide = decide_move,
		.write = "product_change" },
	{ .operation_id = "reinstateProduct",
		.resource = &product_resource,
		.decide = decide_move,
		.write = "product_change" },
	{ .operation_id = "listProductPrices", .list = &price_list },
	{ .operation_id = "getProductPrice", .resource = &price_resource, .get = true },
	{ .operation_id = "createProductPrice",
		.resource = &price_resource,
		.facts = "product_price_facts",
		.decide = decide_price,
		.write = "product_price_create",
		.creates = true },
	{ .operation_id = "withdrawProductPrice",
		.resource = &price_resource,
		.decide = decide_withdraw,
		.write = "product_price_withdraw" },
	{ 0 },
};
