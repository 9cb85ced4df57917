/* SPDX-License-Identifier: Apache-2.0 */
/* What is counted, under which labels, in both text formats. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "edge.h"
#include "http/metrics.h"

static struct edge edge;

static int open_edge(void **state)
{
	(void)state;
	edge_open(&edge);
	return 0;
}

static int close_edge(void **state)
{
	(void)state;
	edge_close(&edge);
	return 0;
}

static double answer_of(void *context)
{
	return *(double *)context;
}

static void expect(const struct text *page, const char *line)
{
	if (!strstr(page->bytes, line))
		fail_msg("%s is not in\n%s", line, page->bytes);
}

static void requests_are_counted_by_operation(void **state)
{
	const struct operation *get = contract_operation_by_id(edge.app.contract, "getDeal");
	struct metrics *metrics = metrics_make(edge.app.contract);
	struct text page = TEXT_INIT;

	(void)state;
	metrics_request(metrics, get, 200, 400);
	metrics_request(metrics, get, 200, 3000);
	metrics_request(metrics, get, 299, 20000000);
	metrics_request(metrics, NULL, 404, 10);
	metrics_write(metrics, false, &page);
	expect(&page, "\npartnerd_http_requests_total{method=\"GET\",route=\"/v1/deals/{deal_id}\","
		      "status=\"200\"} 2\n");
	expect(&page, ",status=\"other\"} 1\n");
	expect(&page, "{method=\"any\",route=\"unmatched\",status=\"404\"} 1\n");
	expect(&page, "route=\"/v1/deals/{deal_id}\",le=\"0.0005\"} 1\n");
	expect(&page, "route=\"/v1/deals/{deal_id}\",le=\"0.005\"} 2\n");
	expect(&page, "route=\"/v1/deals/{deal_id}\",le=\"10\"} 2\n");
	expect(&page, "route=\"/v1/deals/{deal_id}\",le=\"+Inf\"} 3\n");
	expect(&page, "_seconds_sum{method=\"GET\",route=\"/v1/deals/{deal_id}\"} 20.003400\n");
	assert_null(strstr(page.bytes, "listDeals"));
	assert_null(strstr(page.bytes, "# EOF"));
	text_release(&page);
	metrics_free(metrics);
}

static void the_two_formats_name_counters_differently(void **state)
{
	struct metrics *metrics = metrics_make(edge.app.contract);
	struct text page = TEXT_INIT;
	double value = 1.5;

	(void)state;
	metrics_gauge(metrics, "lag_seconds", "Lag.", answer_of, &value);
	metrics_gauge(metrics, "done_total", "Done.", answer_of, &value);
	metrics_write(metrics, false, &page);
	expect(&page, "# TYPE lag_seconds gauge\n# HELP lag_seconds Lag.\nlag_seconds 1.5\n");
	expect(&page, "# TYPE done_total counter\n");
	expect(&page, "# TYPE partnerd_http_requests_total counter\n");
	text_clear(&page);
	metrics_write(metrics, true, &page);
	expect(&page, "# TYPE done counter\n# HELP done Done.\ndone_total 1.5\n");
	expect(&page, "# TYPE partnerd_http_requests counter\n");
	assert_string_equal(page.bytes + page.length - 6, "# EOF\n");
	text_release(&page);
	metrics_free(metrics);
}

static void gauges_have_a_limit_and_no_infinities(void **state)
{
	struct metrics *metrics = metrics_make(edge.app.contract);
	struct text page = TEXT_INIT;
	double value = 1.0 / 0.0;

	(void)state;
	for (int i = 0; i < 2 * METRICS_MAX_GAUGES; i++)
		metrics_gauge(metrics, "same", "Help.", answer_of, &value);
	metrics_write(metrics, false, &page);
	expect(&page, "same 0\n");
	text_release(&page);
	metrics_free(metrics);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_are_counted_by_operation),
		cmocka_unit_test(the_two_formats_name_counters_differently),
		cmocka_unit_test(gauges_have_a_limit_and_no_infinities),
	};

	return cmocka_run_group_tests(tests, open_edge, close_edge);
}
