/*
 * An HTTP server on 127.0.0.1 that gives the answers it was told to give: a Schema Registry in all its moods.
 * Each connection serves one request, in a thread of its own.
 */
#ifndef WEIR_TESTS_CANNED_H
#define WEIR_TESTS_CANNED_H

#include <stddef.h>

/* Instead of a status: the connection is closed without an answer, or kept open without one. */
#define CANNED_CLOSE 0
#define CANNED_NEVER (-1)

#define CANNED_ROUTES_MAX 32

/* Answers in Confluent's own words. */
#define CANNED_NO_SUBJECT "{\"error_code\":40401,\"message\":\"Subject 'in' not found.\"}"
#define CANNED_NO_VERSION "{\"error_code\":40402,\"message\":\"Version 7 not found.\"}"
#define CANNED_NO_SCHEMA  "{\"error_code\":40403,\"message\":\"Schema 7 not found\"}"
#define CANNED_DENIED     "{\"error_code\":401,\"message\":\"Unauthorized\"}"
#define CANNED_ERROR      "{\"error_code\":50001,\"message\":\"Error in the backend data store\"}"
#define CANNED_PAGE       "<html><body>Not Found</body></html>"

struct canned;

struct canned *canned_start(void);
void canned_stop(struct canned *canned);

/* "http://127.0.0.1:PORT", borrowed. */
const char *canned_url(const struct canned *canned);

/* What is answered to a path from now on, "POST /path" being for that method; a path without answer gets
 * CANNED_PAGE with 404. body is copied. */
void canned_set(struct canned *canned, const char *path, int status, const char *body);

/* The same with more lines of the header, each ended by \r\n. */
void canned_set_with(struct canned *canned, const char *path, int status, const char *headers,
                     const char *body);

/* How often a path was asked for. */
unsigned canned_hits(struct canned *canned, const char *path);

/* The last request from the request line on, body included, borrowed until the next request. */
const char *canned_request(struct canned *canned);

#endif
