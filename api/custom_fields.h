/* SPDX-License-Identifier: Apache-2.0 */
/* The fields that a program defines, for the resources that have them (facts: field_definitions).
 */
#ifndef PARTNERD_API_CUSTOM_FIELDS_H
#define PARTNERD_API_CUSTOM_FIELDS_H

#include "domain/custom_field.h"
#include "http/endpoint.h"

/* custom_fields and vendor_custom_fields of the body; the latter is no member for partners. */
bool custom_fields_check(
	const struct command_input *in, enum field_duty duty, struct problem *problem);

/* That the row as it is has every field that is required. */
bool custom_fields_are_complete(const struct command_input *in, struct problem *problem);

#endif
