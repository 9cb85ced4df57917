/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Claims of our own tokens and of those of identity providers. A claim of another type than its
 * specification says is not converted: 1.7e9 or "1700000000" is not a time.
 */
#include "http/claims.h"

#include "base/clock.h"

#include <string.h>

const char *claim_text(const json_t *object, const char *name, size_t most)
{
	const json_t *value = json_object_get(object, name);

	if (!json_is_string(value))
		return NULL;
	size_t length = json_string_length(value);
	return length >= 1 && length <= most ? json_string_value(value) : NULL;
}

bool claim_is(const json_t *object, const char *name, const char *text)
{
	const json_t *value = json_object_get(object, name);

	return json_is_string(value) && strcmp(json_string_value(value), text) == 0;
}

bool claim_names(const json_t *object, const char *name, const char *text)
{
	const json_t *value = json_object_get(object, name);
	bool is_found = false;
	size_t index;
	const json_t *one;

	if (!json_is_array(value))
		return claim_is(object, name, text);
	json_array_foreach (value, index, one) {
		if (!json_is_string(one))
			return false;
		is_found |= strcmp(json_string_value(one), text) == 0;
	}
	return is_found;
}

bool claim_time(const json_t *object, const char *name, int64_t *ret_us)
{
	const json_t *value = json_object_get(object, name);

	if (!json_is_integer(value))
		return false;
	int64_t seconds = json_integer_value(value);
	if (seconds < 0 || seconds > INT64_MAX / CLOCK_SECOND_US / 2)
		return false;
	*ret_us = seconds * CLOCK_SECOND_US;
	return true;
}

bool claims_in_time(const json_t *claims, int64_t now_us, int64_t skew_s, int64_t *ret_issued_us,
	int64_t *ret_expires_us)
{
	int64_t latest_us = now_us + skew_s * CLOCK_SECOND_US;
	int64_t not_before_us = 0;

	if (!claim_time(claims, "iat", ret_issued_us) || !claim_time(claims, "exp", ret_expires_us))
		return false;
	if (json_object_get(claims, "nbf") && !claim_time(claims, "nbf", &not_before_us))
		return false;
	return *ret_issued_us <= latest_us && not_before_us <= latest_us &&
	       *ret_issued_us < *ret_expires_us;
}
