/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Steps are copied into fixed room, so that rules stay free of allocation. The room is for the
 * longest rule with every adjuster there is; a rule that needs more gets more room in the header.
 */
#include "domain/explain.h"

#include <stdlib.h>

void explain_add(struct explanation *explanation, const char *rule, const char *unit,
	int64_t before, int64_t after, const char *detail)
{
	if (explanation->step_count == EXPLAIN_MAX_STEPS)
		abort();
	explanation->steps[explanation->step_count++] = (struct explain_step){
		.rule = rule,
		.unit = unit,
		.before = before,
		.after = after,
		.detail = detail,
	};
}
