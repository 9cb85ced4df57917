/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The 249 officially assigned alpha-2 codes of ISO 3166-1 as of 2026, in order: they are searched
 * by halves. Reserved and user-assigned codes (UK, EU, XK) are none.
 */
#include "base/country.h"

#include <string.h>

#define CODE_STRIDE 3 /* two letters and what follows them */

static const char countries[] =
	"AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN "
	"BO BQ BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ "
	"DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL "
	"GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM "
	"JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME "
	"MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP "
	"NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD "
	"SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO "
	"TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW";

size_t country_count(void)
{
	return sizeof(countries) / CODE_STRIDE;
}

bool country_is_valid(const char *bytes, size_t length)
{
	size_t low = 0, high = country_count();

	if (length != 2)
		return false;
	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = memcmp(bytes, countries + middle * CODE_STRIDE, 2);

		if (order == 0)
			return true;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return false;
}
