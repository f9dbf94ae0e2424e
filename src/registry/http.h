/*
 * One HTTP request on libcurl: to whichever of several servers answers, with the credentials of the
 * configuration.
 *
 * Redirects are not followed: a registry has no need of them, and credentials must not wander to another
 * host. The proxy variables of the environment (https_proxy, no_proxy) hold, as curl has them.
 */
#ifndef WEIR_REGISTRY_HTTP_H
#define WEIR_REGISTRY_HTTP_H

#include <stdatomic.h>
#include <stdint.h>

#include "weir/bytes.h"
#include "weir/err.h"

/* Limits: servers of one registry, the longest URL, the largest answer (a schema of WEIR_SCHEMA_TEXT_MAX
 * whose every byte is escaped fits). */
#define HTTP_URLS_MAX 16
#define HTTP_URL_MAX  8192
#define HTTP_BODY_MAX (8 * 1024 * 1024)

/* How often all servers are tried, and the bounds of the pause in between, which is drawn from 0 to them:
 * "full jitter", doubled from try to try. */
#define HTTP_TRIES            3
#define HTTP_PAUSE_MS         100
#define HTTP_PAUSE_LONGEST_MS 1000

/* All texts are borrowed and outlive the struct http; NULL where there is none. */
struct http_options {
    const char
        *urls; /* with commas and perhaps spaces in between; each may have a path in front of all others */
    const char *username, *password;        /* basic authentication */
    const char *token;                      /* bearer authentication */
    const char *ca;                         /* file of PEM certificates to trust in place of the system's */
    const char *certificate, *key;          /* files with the client's own, PEM */
    int64_t connect_timeout_ms, timeout_ms; /* of one request to one server */
    uint64_t seed;                          /* of the jitter */
    const atomic_int *stop;                 /* may be NULL; once not 0, a request ends within a second */
};

/* What a server said; the body is borrowed until the next call. */
struct http_answer {
    long status;
    struct weir_bytes body;
};

struct http;

/*
 * Makes a client with its own connections. Fails with WEIR_ERR_CONFIG (no URL, or too many) or
 * WEIR_ERR_NO_MEMORY. http_new and http_free are called by one thread; in between one thread at a time may
 * use it.
 */
enum weir_err_code http_new(const struct http_options *options, struct http **out, struct weir_err *err);
void http_free(struct http *http);

/*
 * GET of a path, which begins with a slash and has its words escaped, below the URL of a server: first of the
 * one that answered last, then of the others. 408, 429, 5xx and what is no answer at all are tried again,
 * HTTP_TRIES times in all; any other status is the answer, a redirect being none. Fails with
 * WEIR_ERR_REGISTRY_DOWN, the text naming the server that failed last, or WEIR_ERR_NO_MEMORY.
 */
enum weir_err_code http_get(struct http *http, const char *path, struct http_answer *answer,
                            struct weir_err *err);

/*
 * As http_get, a POST of body, which is JSON. It may reach a server more than once, so it must be a question,
 * or something that does no more when it is done again.
 */
enum weir_err_code http_post(struct http *http, const char *path, const char *body,
                             struct http_answer *answer, struct weir_err *err);

/* Appends word to path, which has room for cap bytes, percent-encoded; false when it does not fit. */
bool http_append(char *path, size_t cap, const char *word);

#endif
