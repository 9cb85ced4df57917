-- SPDX-License-Identifier: Apache-2.0
--
-- The work items for wrk. The environment gives WORK (w1 … w7), TOKEN, DEALS, LIST_PATHS (one a line), ID_PREFIX,
-- FIRST_NUMBER and RUN (unique to the run: part of every Idempotency-Key). PAUSE_MS, when it is set, is how long a
-- connection rests between two requests, on average. CUSTOMER in BODY is another one each time, for WORK check a loaded one
-- of CUSTOMERS (one a line), whose names WORK search looks for. WORK login posts BODY to /v1/sessions. The last line of output is one of JSON.
local work = os.getenv("WORK")
local token = os.getenv("TOKEN")
local half = math.floor(tonumber(os.getenv("DEALS")) / 2)
local prefix = os.getenv("ID_PREFIX")
local first = tonumber(os.getenv("FIRST_NUMBER"))
local pause = tonumber(os.getenv("PAUSE_MS"))
local run = os.getenv("RUN")

local list_paths = {}
for path in (os.getenv("LIST_PATHS") or ""):gmatch("[^\n]+") do
	list_paths[#list_paths + 1] = path
end

local customers = {}
for customer in (os.getenv("CUSTOMERS") or ""):gmatch("[^\n]+") do
	customers[#customers + 1] = customer
end

local threads = 0
local get_headers = { ["Authorization"] = "Bearer " .. token, ["Accept"] = "application/json" }
local body = os.getenv("BODY")
local count = 0

function setup(thread)
	threads = threads + 1
	thread:set("number", threads)
end

function init(args)
	math.randomseed(os.time() * 100 + number)
end

local function get_deal()
	local n = first + 2 * math.random(0, half - 1)
	return wrk.format("GET", "/v1/deals/" .. prefix .. string.format("%.0f", n), get_headers)
end

local function list_deals()
	return wrk.format("GET", list_paths[math.random(#list_paths)], get_headers)
end

local function register_deal()
	count = count + 1
	local customer = string.format("c%s%04x%x", (run:gsub("%W", "")):sub(1, 16), number, count)
	return wrk.format("POST", "/v1/deals", {
		["Authorization"] = "Bearer " .. token,
		["Content-Type"] = "application/json",
		["Idempotency-Key"] = string.format("%s-%04x-4000-8000-%012x", run, number, count),
	}, (body:gsub("CUSTOMER", customer)))
end

-- Eight characters out of the middle of a name that one deal has.
local function search_deals()
	local customer = customers[math.random(#customers)]
	return wrk.format("GET", "/v1/deals?limit=25&q=" .. customer:sub(3, 10), get_headers)
end

local function check_deal()
	return wrk.format("POST", "/v1/deals/check", {
		["Authorization"] = "Bearer " .. token,
		["Content-Type"] = "application/json",
	}, (body:gsub("CUSTOMER", customers[math.random(#customers)])))
end

local function sign_in()
	return wrk.format("POST", "/v1/sessions", { ["Content-Type"] = "application/json" }, body)
end

local function mix()
	local dice = math.random(100)
	if dice <= 80 then
		return get_deal()
	end
	return dice <= 95 and list_deals() or register_deal()
end

request = ({
	w1 = get_deal, w2 = list_deals, w3 = register_deal, w4 = mix, w5 = list_deals, w6 = search_deals, w7 = check_deal,
	login = sign_in,
})[work]

if pause then
	function delay()
		return math.random(0, 2 * pause)
	end
end

function done(summary, latency, requests)
	local errors = summary.errors
	io.write(string.format('\n{"requests": %d, "seconds": %.6f, "p50_ms": %.3f, "p99_ms": %.3f, "refused": %d, "broken": %d}\n',
		summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
		errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
