/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One thread. The library picks its worker by the number of the descriptor, so a descriptor gets a
 * number that leads to the right one. When there are as many connections as may be, or the process
 * has run out of descriptors, the kernel's queue keeps who comes meanwhile.
 */
#include "http/acceptor.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define FULL_PAUSE_MS 20
#define STEER_TRIES   4

struct worker {
	_Atomic int open; /* connections */
	_Atomic int busy; /* 1 while it makes an answer */
};

struct acceptor {
	int socket;
	int stop; /* eventfd: readable when the thread shall end */
	struct MHD_Daemon *daemon;
	int most;
	_Atomic int open;
	pthread_t thread;
	int worker_count;
	struct worker workers[];
};

static struct worker *worker_of(struct acceptor *acceptor, int fd)
{
	return &acceptor->workers[fd % acceptor->worker_count];
}

static bool is_exhausted(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

void acceptor_busy(struct acceptor *acceptor, int fd, bool is_busy)
{
	atomic_store_explicit(&worker_of(acceptor, fd)->busy, is_busy, memory_order_relaxed);
}

void acceptor_closed(struct acceptor *acceptor, int fd)
{
	worker_of(acceptor, fd)->open--;
	acceptor->open--;
}

static int load_of(struct worker *worker)
{
	return worker->open + (worker->busy ? INT_MAX / 2 : 0);
}

/* The worker that is idle and has the fewest connections; the one `fd` leads to where it is as good
 * as any. */
static int best_worker(struct acceptor *acceptor, int fd)
{
	int best = fd % acceptor->worker_count;

	for (int i = 0; i < acceptor->worker_count; i++)
		if (load_of(&acceptor->workers[i]) < load_of(&acceptor->workers[best]))
			best = i;
	return best;
}

/* The same connection under a number that leads to the best worker, or close to it. */
static int steer(struct acceptor *acceptor, int fd)
{
	int count = acceptor->worker_count;
	int best = best_worker(acceptor, fd);

	for (int tries = 0; tries < STEER_TRIES && fd % count != best; tries++) {
		int other = fcntl(fd, F_DUPFD_CLOEXEC, fd + (best - fd % count + count) % count);
		if (other < 0)
			return fd;
		close(fd);
		fd = other;
	}
	return fd;
}

static void hand_over(
	struct acceptor *acceptor, int fd, const struct sockaddr_storage *peer, socklen_t length)
{
	acceptor->open++;
	worker_of(acceptor, fd)->open++;
	if (MHD_add_connection(acceptor->daemon, fd, (const struct sockaddr *)peer, length) !=
		MHD_YES)
		acceptor_closed(acceptor, fd);
}

/* Accepts what waits. Returns false when no more can be taken for now. */
static bool accept_waiting(struct acceptor *acceptor)
{
	while (acceptor->open < acceptor->most) {
		struct sockaddr_storage peer;
		socklen_t length = sizeof peer;
		int fd = accept4(acceptor->socket, (struct sockaddr *)&peer, &length,
			SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0)
			hand_over(acceptor, steer(acceptor, fd), &peer, length);
		else if (errno != EINTR && errno != ECONNABORTED)
			return !is_exhausted(errno);
	}
	return false;
}

static void *run(void *context)
{
	struct acceptor *acceptor = context;
	struct pollfd waits[] = { { .fd = acceptor->stop, .events = POLLIN },
		{ .fd = acceptor->socket, .events = POLLIN } };
	for (;;) {
		if (poll(waits, 2, -1) < 0 && errno != EINTR)
			return NULL;
		if (waits[0].revents != 0)
			return NULL;
		if (waits[1].revents != 0 && !accept_waiting(acceptor))
			(void)poll(waits, 1, FULL_PAUSE_MS);
	}
}

bool acceptor_start(int socket, struct MHD_Daemon *daemon, int worker_count, int most,
	struct acceptor **ret_acceptor)
{
	struct acceptor *acceptor =
		calloc(1, sizeof *acceptor + (size_t)worker_count * sizeof *acceptor->workers);
	if (acceptor == NULL)
		abort();
	acceptor->socket = socket;
	acceptor->daemon = daemon;
	acceptor->most = most;
	acceptor->worker_count = worker_count;
	acceptor->stop = eventfd(0, EFD_CLOEXEC);
	*ret_acceptor = acceptor; /* the first connection may be closed before this returns */
	if (acceptor->stop >= 0 && pthread_create(&acceptor->thread, NULL, run, acceptor) == 0)
		return true;
	*ret_acceptor = NULL;
	if (acceptor->stop >= 0)
		close(acceptor->stop);
	close(socket);
	free(acceptor);
	return false;
}

void acceptor_quiesce(struct acceptor *acceptor)
{
	const uint64_t one = 1;
	if (acceptor->socket < 0)
		return;
	while (write(acceptor->stop, &one, sizeof one) < 0 && errno == EINTR)
		continue;
	pthread_join(acceptor->thread, NULL);
	close(acceptor->socket); /* what waits in its queue is refused at once */
	acceptor->socket = -1;
}

struct acceptor *acceptor_free(struct acceptor *acceptor)
{
	if (acceptor == NULL)
		return NULL;
	acceptor_quiesce(acceptor);
	close(acceptor->stop);
	free(acceptor);
	return NULL;
}
