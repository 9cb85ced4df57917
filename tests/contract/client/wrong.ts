/* SPDX-License-Identifier: Apache-2.0 */
/* Mistakes that the generated types must refuse, one a line marked `wrong:`; the test demands an error on each. */
import createClient from "openapi-fetch";

import type { components, paths } from "./schema";

const api = createClient<paths>({ baseUrl: "http://127.0.0.1:1" });
const path = { deal_id: "01932c07-5f1e-7c3a-9b1d-2f6a4f0d9c11" };

api.GET("/v1/deals", {
	params: { query: { status: ["open"] } }, // wrong: no such status
});
api.GET("/v1/deals", {
	params: { query: { sort: "amount" } }, // wrong: no such sort
});
api.GET("/v1/deal", {}); // wrong: no such path
api.POST("/v1/deals", {
	params: { header: { "Idempotency-Key": "a" } },
	body: {
		customer_name: "A",
		amount: { amount_minor: "12500", currency: "EUR" }, // wrong: an amount is a number
	},
});
api.POST("/v1/deals", {
	params: { header: { "Idempotency-Key": "a" } },
	body: { amount: { amount_minor: 1, currency: "EUR" } }, // wrong: the name is missing
});
api.POST("/v1/deals", {
	params: { header: {} }, // wrong: Idempotency-Key is missing
	body: { customer_name: "A", amount: { amount_minor: 1, currency: "EUR" } },
});
api.POST("/v1/deals/{deal_id}/approve", {
	params: { path, header: {} }, // wrong: If-Match is missing
});
api.PATCH("/v1/deals/{deal_id}", {
	params: { path, header: { "If-Match": '"1"' } },
	body: { customer_name: null }, // wrong: a customer has a name
});

export function days(deal: components["schemas"]["Deal"]): string {
	return deal.protection_expires_at.slice(0, 10); // wrong: it may be null
}

export function code(problem: components["schemas"]["Problem"]): boolean {
	return problem.code === "not-found"; // wrong: no such code
}
