/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A lane is a thread and the one request it works on; there is no queue behind them. The connection
 * stays suspended from lanes_take until the answer is complete, so nobody but the lane touches its
 * request, and the answer goes out on the worker, as every other does. Requests that are no
 * business of a lane, and those that find all of them taken, pass without the lock: a flood must
 * not make everybody else queue for it.
 */
#include "http/lanes.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum stage {
	STAGE_FREE,
	STAGE_WORK,
	STAGE_READY,
};

struct lane {
	struct lanes *lanes;
	pthread_t thread;
	pthread_cond_t wake;
	enum stage stage;
	_Atomic(struct MHD_Connection *) connection; /* NULL: free; written under the lock */
	const struct _u_request *request;
	struct _u_response answer; /* from STAGE_READY on */
};

struct lanes {
	lanes_entry entry;
	void *context;
	_Atomic int64_t refused;
	pthread_mutex_t lock; /* guards everything below */
	bool is_closed;
	size_t count; /* threads that run */
	struct lane lanes[LANES_COUNT];
};

static _Thread_local bool is_lane;

/* False when the lane shall end. */
static bool wait_for_work(struct lane *lane)
{
	struct lanes *lanes = lane->lanes;

	pthread_mutex_lock(&lanes->lock);
	while (lane->stage != STAGE_WORK && !lanes->is_closed)
		pthread_cond_wait(&lane->wake, &lanes->lock);
	bool has_work = lane->stage == STAGE_WORK;
	pthread_mutex_unlock(&lanes->lock);
	return has_work;
}

static void *run(void *context)
{
	struct lane *lane = context;
	struct lanes *lanes = lane->lanes;

	is_lane = true;
	while (wait_for_work(lane)) {
		struct MHD_Connection *connection = lane->connection;

		ulfius_init_response(&lane->answer);
		lanes->entry(lane->request, &lane->answer, lanes->context);
		pthread_mutex_lock(&lanes->lock);
		lane->stage = STAGE_READY;
		pthread_mutex_unlock(&lanes->lock);
		MHD_resume_connection(connection);
	}
	return NULL;
}

struct lanes *lanes_start(lanes_entry entry, void *context)
{
	struct lanes *lanes = calloc(1, sizeof *lanes);

	if (!lanes)
		abort();
	lanes->entry = entry;
	lanes->context = context;
	pthread_mutex_init(&lanes->lock, NULL);
	for (; lanes->count < LANES_COUNT; lanes->count++) {
		struct lane *lane = &lanes->lanes[lanes->count];

		lane->lanes = lanes;
		pthread_cond_init(&lane->wake, NULL);
		if (pthread_create(&lane->thread, NULL, run, lane) == 0)
			continue;
		pthread_cond_destroy(&lane->wake);
		return lanes_free(lanes);
	}
	return lanes;
}

void lanes_close(struct lanes *lanes)
{
	pthread_mutex_lock(&lanes->lock);
	if (lanes->is_closed) {
		pthread_mutex_unlock(&lanes->lock);
		return;
	}
	lanes->is_closed = true;
	for (size_t i = 0; i < lanes->count; i++)
		pthread_cond_signal(&lanes->lanes[i].wake);
	pthread_mutex_unlock(&lanes->lock);
	for (size_t i = 0; i < lanes->count; i++)
		pthread_join(lanes->lanes[i].thread, NULL);
}

static void lane_clear(struct lane *lane)
{
	ulfius_clean_response(&lane->answer);
	lane->stage = STAGE_FREE;
	lane->connection = NULL;
}

struct lanes *lanes_free(struct lanes *lanes)
{
	if (!lanes)
		return NULL;
	lanes_close(lanes);
	for (size_t i = 0; i < lanes->count; i++) {
		if (lanes->lanes[i].stage == STAGE_READY)
			lane_clear(&lanes->lanes[i]);
		pthread_cond_destroy(&lanes->lanes[i].wake);
	}
	pthread_mutex_destroy(&lanes->lock);
	free(lanes);
	return NULL;
}

/*
 * The lane of this connection, or with NULL one that is free; NULL when there is none. Certain
 * without the lock for a connection of the calling worker, which nobody else gives a lane or takes
 * one from.
 */
static struct lane *find(struct lanes *lanes, const struct MHD_Connection *connection)
{
	for (size_t i = 0; i < LANES_COUNT; i++)
		if (lanes->lanes[i].connection == connection)
			return &lanes->lanes[i];
	return NULL;
}

static bool begin(
	struct lanes *lanes, struct MHD_Connection *connection, const struct _u_request *request)
{
	pthread_mutex_lock(&lanes->lock);
	struct lane *lane = lanes->is_closed ? NULL : find(lanes, NULL);
	if (lane) {
		MHD_suspend_connection(connection); /* before the lane can resume it */
		lane->connection = connection;
		lane->request = request;
		lane->stage = STAGE_WORK;
		pthread_cond_signal(&lane->wake);
	}
	pthread_mutex_unlock(&lanes->lock);
	return lane != NULL;
}

enum lanes_state lanes_take(
	struct lanes *lanes, struct MHD_Connection *connection, const struct _u_request *request)
{
	if (find(lanes, connection))
		return LANES_READY;
	if (find(lanes, NULL) && begin(lanes, connection, request))
		return LANES_TAKEN;
	lanes->refused++;
	return LANES_FULL;
}

void lanes_collect(struct lanes *lanes, struct MHD_Connection *connection, struct _u_response *out)
{
	pthread_mutex_lock(&lanes->lock);
	struct lane *lane = find(lanes, connection);
	if (lane) {
		struct _u_response empty = *out;

		*out = lane->answer;
		lane->answer = empty;
		lane_clear(lane);
	}
	pthread_mutex_unlock(&lanes->lock);
}

void lanes_forget(struct lanes *lanes, struct MHD_Connection *connection)
{
	if (!find(lanes, connection))
		return;
	pthread_mutex_lock(&lanes->lock);
	struct lane *lane = find(lanes, connection);
	if (lane && lane->stage == STAGE_READY)
		lane_clear(lane);
	pthread_mutex_unlock(&lanes->lock);
}

bool lanes_is_lane(void)
{
	return is_lane;
}

int lanes_busy(struct lanes *lanes)
{
	int busy = 0;

	pthread_mutex_lock(&lanes->lock);
	for (size_t i = 0; i < LANES_COUNT; i++)
		busy += lanes->lanes[i].stage == STAGE_WORK;
	pthread_mutex_unlock(&lanes->lock);
	return busy;
}

int64_t lanes_refused_total(struct lanes *lanes)
{
	return lanes->refused;
}
