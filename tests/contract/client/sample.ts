/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The main story as a client writes it, with types generated from openapi.yaml (schema.d.ts, made by the test) and
 * openapi-fetch: a partner's script registers a deal, a partner manager approves it. It must compile with --strict; the
 * test also runs it against the server. Copy from here.
 */
import createClient, { type Client } from "openapi-fetch";

import type { components, paths } from "./schema";

export type Deal = components["schemas"]["Deal"];
export type Problem = components["schemas"]["Problem"];
type Api = Client<paths>;

/* Every refusal is one type, whatever the operation: the stable `code` decides, `detail` is for people. */
export class Refused extends Error {
	constructor(readonly problem: Problem) {
		super(`${problem.code}: ${problem.detail} (request ${problem.request_id})`);
	}
}

function unwrap<T>(answer: { data?: T; error?: Problem }): T {
	if (answer.data === undefined) throw answer.error ? new Refused(answer.error) : new Error("no answer");
	return answer.data;
}

function withToken(baseUrl: string, token: string): Api {
	return createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${token}` } });
}

export async function machine(baseUrl: string, clientId: string, secret: string): Promise<Api> {
	const { data, error } = await createClient<paths>({ baseUrl }).POST("/oauth/token", {
		body: { grant_type: "client_credentials", client_id: clientId, client_secret: secret },
		headers: { "Content-Type": "application/x-www-form-urlencoded" },
		bodySerializer: (body) => new URLSearchParams({ ...body }).toString(),
	});
	if (!data) throw new Error("error" in error ? error.error : error.code);
	return withToken(baseUrl, data.access_token);
}

export async function person(baseUrl: string, email: string, password: string): Promise<Api> {
	const session = unwrap(await createClient<paths>({ baseUrl }).POST("/v1/sessions", { body: { email, password } }));
	return withToken(baseUrl, session.access_token);
}

/* The key is made from the record in the caller's own system: running the script twice registers once. */
export async function register(partner: Api, opportunity: string, customer: string): Promise<Deal> {
	return unwrap(
		await partner.POST("/v1/deals", {
			params: { header: { "Idempotency-Key": `register-${opportunity}` } },
			body: {
				customer_name: customer,
				amount: { amount_minor: 1_250_000, currency: "EUR" },
				expected_close_on: null,
				external_ids: { crm: opportunity },
			},
		}),
	);
}

export async function* queue(manager: Api): AsyncGenerator<Deal> {
	let cursor: string | null = null;
	do {
		const query = { status: ["submitted" as const], sort: "created_at" as const, ...(cursor ? { cursor } : {}) };
		const page: components["schemas"]["DealPage"] = unwrap(await manager.GET("/v1/deals", { params: { query } }));
		yield* page.data;
		cursor = page.next_cursor;
	} while (cursor);
}

/* Sees 412 when somebody else was faster: read again, show the difference, ask the person. */
export async function approve(manager: Api, dealId: string): Promise<Deal> {
	const path = { deal_id: dealId };
	const seen = await manager.GET("/v1/deals/{deal_id}", { params: { path } });
	unwrap(seen);
	const etag = seen.response.headers.get("ETag") ?? "";
	return unwrap(
		await manager.POST("/v1/deals/{deal_id}/approve", {
			params: { path, header: { "If-Match": etag } },
			body: { comment: "Good fit, go ahead" },
		}),
	);
}

export async function rename(partner: Api, deal: Deal, customer: string): Promise<Deal> {
	return unwrap(
		await partner.PATCH("/v1/deals/{deal_id}", {
			params: { path: { deal_id: deal.id }, header: { "If-Match": `"${deal.version}"` } },
			body: { customer_name: customer, description: null },
		}),
	);
}

/* Which fields a form must mark: pointers are the paths of the request's members. */
export function marks(problem: Problem): Map<string, string> {
	return new Map((problem.errors ?? []).map((entry) => [entry.pointer ?? entry.parameter ?? "", entry.detail]));
}

export async function story(settings: Record<string, string>): Promise<string> {
	const need = (name: string): string => {
		const value = settings[name];
		if (!value) throw new Error(`${name} is missing`);
		return value;
	};
	const url = need("PARTNERD_URL");
	const partner = await machine(url, need("PARTNER_A_CLIENT_ID"), need("PARTNER_A_CLIENT_SECRET"));
	const manager = await person(url, need("VENDOR_ADMIN_EMAIL"), need("VENDOR_ADMIN_PASSWORD"));
	const registered = await register(partner, need("OPPORTUNITY"), "Stadtwerke Rosenheim");
	const again = await register(partner, need("OPPORTUNITY"), "Stadtwerke Rosenheim");
	if (again.id !== registered.id) throw new Error("registered twice");
	const renamed = await rename(partner, registered, "Stadtwerke Rosenheim GmbH");
	let waits = false;
	for await (const deal of queue(manager)) waits ||= deal.id === renamed.id;
	if (!waits) throw new Error("the deal is not in the queue");
	await approve(manager, renamed.id);
	const path = { deal_id: renamed.id };
	const approved = unwrap(await partner.GET("/v1/deals/{deal_id}", { params: { path } }));
	const timeline = unwrap(await partner.GET("/v1/deals/{deal_id}/timeline", { params: { path } }));
	return JSON.stringify({ ...approved, timeline: timeline.data.map((entry) => entry.type) });
}
