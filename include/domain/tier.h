/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Terms of a tier: what they may say, how a later version differs for the partners in it, when it
 * may begin, and how the bands of tiers stand to each other (domain.md §4, §5.7).
 */
#ifndef PARTNERD_DOMAIN_TIER_H
#define PARTNERD_DOMAIN_TIER_H

#include "domain/benefit.h"
#include "domain/explain.h"
#include "domain/margin.h"
#include "domain/metric.h"

struct tier_benefit {
	const char *key;
	const struct benefit *entry; /* of the catalogue; NULL: it has none */
	struct benefit_value value;
};

struct tier_requirement {
	const char *metric;
	bool is_most; /* lte; else gte */
	int64_t value;
	int64_t window_days; /* 0: as of now */
};

struct tier_terms {
	struct margin_band band;
	const struct tier_benefit *benefits;
	size_t benefit_count;
	const struct tier_requirement *requirements;
	size_t requirement_count;
};

/* Terms as they would be written: all faults at once, at #/margin_band, #/benefits, #/requirements.
 */
bool tier_terms_check(const struct tier_terms *terms, int64_t program_cap_bps, struct arena *arena,
	struct problem *problem);

/* ---- the difference ---- */

#define TIER_MAX_CHANGES 128

struct tier_change {
	const char *member; /* "floor_bps", the key of a benefit, the metric of a requirement */
	int effect;         /* 1: for the partner, -1: against */
};

struct tier_difference {
	int benefits_worse, requirements_harder, bands_lower; /* how many against the partner */
	struct tier_change changes[TIER_MAX_CHANGES];
	size_t change_count;
};

void tier_compare(const struct tier_terms *before, const struct tier_terms *after,
	struct tier_difference *ret_difference);
/* Nothing is against the partner. */
bool tier_favours_partner(const struct tier_difference *difference);

/* ---- publication ---- */

struct tier_publication {
	const struct tier_terms *before; /* published last; NULL: nothing was */
	const struct tier_terms *after;
	int64_t now_us;
	int64_t notice_days, notice_ends_us; /* of terms announced now */
	int64_t last_from_us;                /* when what was published last begins */
	bool has_wanted;                     /* else: as soon as it may be */
	int64_t wanted_us;
};

/*
 * When the draft takes effect. The first terms need no notice, nor do terms that favour the partner
 * throughout. Refused at #/effective_at: a time before now, within the notice, or before the terms
 * published last begin.
 */
bool tier_publish_decide(const struct tier_publication *publication, int64_t *ret_effective_us,
	struct tier_difference *ret_difference, struct explanation *ret_explanation,
	struct arena *arena, struct problem *problem);

/* ---- tiers beside each other ---- */

#define TIER_FOREVER_US INT64_MAX

struct tier_standing {
	const char *name;
	int64_t rank;
	struct margin_band band;
	int64_t from_us, until_us; /* TIER_FOREVER_US: no end */
};

/*
 * Where they meet in time a tier's band begins no lower than the band of any lower rank ends: bands
 * do not overlap and rise with the rank. Else violations at the member of `where` ("#/draft",
 * which stands for its margin_band) that is in the way, or at `where` itself when it is "#/rank".
 */
bool tier_bands_check(const struct tier_standing *own, const struct tier_standing *others,
	size_t other_count, const char *where, struct arena *arena, struct problem *problem);

#endif
