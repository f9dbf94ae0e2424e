#include "registry/http.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "sys/clock.h"

/* Room that a body's buffer begins with. */
#define BODY_ROOM 16384

struct http {
    struct http_options options;
    CURL *curl;
    bool global; /* curl_global_init succeeded */
    char *urls;  /* a copy, cut into the servers' */
    const char *servers[HTTP_URLS_MAX];
    size_t n_servers;
    size_t preferred; /* the server that answered last */
    uint64_t random;
    char *body;
    size_t body_len, body_cap;
    bool too_large;
    struct curl_slist *post_headers; /* of the requests that carry something */
    char why[CURL_ERROR_SIZE];
};

/* What is asked of a server: body is NULL for a GET. */
struct question {
    const char *path;
    const char *body;
};

static enum weir_err_code no_memory(struct weir_err *err)
{
    return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for asking the schema registry");
}

/* --- making one --- */

/* Slashes at the end would become double ones in front of the path. */
static void trim_slashes(char *url)
{
    size_t len = strlen(url);
    while (len > 0 && url[len - 1] == '/')
        url[--len] = '\0';
}

static enum weir_err_code split_urls(struct http *http, struct weir_err *err)
{
    char *rest = NULL;
    http->urls = strdup(http->options.urls);
    if (!http->urls)
        return no_memory(err);
    for (char *url = strtok_r(http->urls, ", ", &rest); url; url = strtok_r(NULL, ", ", &rest)) {
        if (http->n_servers == HTTP_URLS_MAX)
            return weir_fail(err, WEIR_ERR_CONFIG, "more than %d URLs of a schema registry", HTTP_URLS_MAX);
        trim_slashes(url);
        http->servers[http->n_servers++] = url;
    }
    return http->n_servers > 0 ? WEIR_OK : weir_fail(err, WEIR_ERR_CONFIG, "no URL of a schema registry");
}

/* curl's callback for what arrives; taking less than there is ends the request. */
static size_t on_data(char *data, size_t size, size_t n, void *opaque)
{
    struct http *http = opaque;
    size_t more = size * n;
    if (more > HTTP_BODY_MAX - http->body_len) {
        http->too_large = true;
        return 0;
    }
    if (more > http->body_cap - http->body_len) {
        size_t cap = http->body_cap ? http->body_cap : BODY_ROOM;
        while (cap - http->body_len < more)
            cap *= 2;
        char *grown = realloc(http->body, cap);
        if (!grown)
            return 0;
        http->body = grown;
        http->body_cap = cap;
    }
    memcpy(http->body + http->body_len, data, more);
    http->body_len += more;
    return more;
}

/* curl's callback, at least once a second: anything but 0 ends the request. */
static int on_progress(void *opaque, curl_off_t down_total, curl_off_t down, curl_off_t up_total,
                       curl_off_t up)
{
    const struct http *http = opaque;
    (void)down_total, (void)down, (void)up_total, (void)up;
    return http->options.stop && atomic_load(http->options.stop) != 0;
}

static bool set_text(CURL *curl, CURLoption option, const char *text)
{
    return !text || curl_easy_setopt(curl, option, text) == CURLE_OK;
}

static bool set_number(CURL *curl, CURLoption option, int64_t number)
{
    return curl_easy_setopt(curl, option, (long)number) == CURLE_OK;
}

static bool set_credentials(CURL *curl, const struct http_options *options)
{
    long method = options->token ? (long)CURLAUTH_BEARER : (long)CURLAUTH_BASIC;
    return set_number(curl, CURLOPT_HTTPAUTH, method) &&
           set_text(curl, CURLOPT_USERNAME, options->username) &&
           set_text(curl, CURLOPT_PASSWORD, options->password) &&
           set_text(curl, CURLOPT_XOAUTH2_BEARER, options->token) &&
           set_text(curl, CURLOPT_CAINFO, options->ca) &&
           set_text(curl, CURLOPT_SSLCERT, options->certificate) &&
           set_text(curl, CURLOPT_SSLKEY, options->key) &&
           set_number(curl, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
}

/* NOSIGNAL because there are threads. QUICK_EXIT because freeing a client must not wait for a name server. */
static bool set_behaviour(struct http *http)
{
    CURL *curl = http->curl;
    return set_number(curl, CURLOPT_NOSIGNAL, 1) && set_number(curl, CURLOPT_QUICK_EXIT, 1) &&
           set_number(curl, CURLOPT_FOLLOWLOCATION, 0) &&
           set_text(curl, CURLOPT_PROTOCOLS_STR, "http,https") &&
           set_text(curl, CURLOPT_USERAGENT, "weir/" WEIR_VERSION) &&
           set_number(curl, CURLOPT_CONNECTTIMEOUT_MS, http->options.connect_timeout_ms) &&
           set_number(curl, CURLOPT_TIMEOUT_MS, http->options.timeout_ms) &&
           curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, http->why) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_data) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEDATA, http) == CURLE_OK &&
           set_number(curl, CURLOPT_NOPROGRESS, 0) &&
           curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_XFERINFODATA, http) == CURLE_OK;
}

static bool add_header(struct http *http, const char *line)
{
    struct curl_slist *grown = curl_slist_append(http->post_headers, line);
    http->post_headers = grown ? grown : http->post_headers;
    return grown != NULL;
}

/* Expect: with nothing behind it keeps curl from asking first whether a body may come, which not every server
 * answers. */
static enum weir_err_code set_up(struct http *http, struct weir_err *err)
{
    enum weir_err_code code = split_urls(http, err);
    if (code != WEIR_OK)
        return code;
    http->global = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
    http->curl = http->global ? curl_easy_init() : NULL;
    if (!http->curl || !add_header(http, "Content-Type: application/vnd.schemaregistry.v1+json") ||
        !add_header(http, "Expect:") || !set_behaviour(http) || !set_credentials(http->curl, &http->options))
        return no_memory(err);
    return WEIR_OK;
}

enum weir_err_code http_new(const struct http_options *options, struct http **out, struct weir_err *err)
{
    struct http *http = calloc(1, sizeof *http);
    if (!http)
        return no_memory(err);
    http->options = *options;
    http->random = options->seed;
    enum weir_err_code code = set_up(http, err);
    if (code == WEIR_OK)
        *out = http;
    else
        http_free(http);
    return code;
}

void http_free(struct http *http)
{
    if (!http)
        return;
    curl_easy_cleanup(http->curl);
    curl_slist_free_all(http->post_headers);
    if (http->global)
        curl_global_cleanup();
    free(http->body);
    free(http->urls);
    free(http);
}

/* --- asking --- */

static bool stopped(const struct http *http)
{
    return http->options.stop && atomic_load(http->options.stop) != 0;
}

static bool worth_another_try(long status)
{
    return status == 408 || status == 429 || status >= 500;
}

static enum weir_err_code fail_curl(const struct http *http, const char *server, CURLcode what,
                                    struct weir_err *err)
{
    if (what == CURLE_OUT_OF_MEMORY || (what == CURLE_WRITE_ERROR && !http->too_large))
        return no_memory(err);
    if (http->too_large)
        return weir_fail(err, WEIR_ERR_REGISTRY_DOWN, "%s: the answer has more than %d bytes", server,
                         HTTP_BODY_MAX);
    return weir_fail(err, WEIR_ERR_REGISTRY_DOWN, "%s: %s", server,
                     http->why[0] ? http->why : curl_easy_strerror(what));
}

static enum weir_err_code check_status(struct http *http, const char *server, long status,
                                       struct weir_err *err)
{
    const char *elsewhere = NULL;
    if (worth_another_try(status))
        return weir_fail(err, WEIR_ERR_REGISTRY_DOWN, "%s: answers with status %ld", server, status);
    if (status < 300 || status >= 400)
        return WEIR_OK;
    (void)curl_easy_getinfo(http->curl, CURLINFO_REDIRECT_URL, &elsewhere);
    return weir_fail(err, WEIR_ERR_REGISTRY_DOWN,
                     "%s: answers with status %ld and points to %s; redirects are not followed", server,
                     status, elsewhere ? elsewhere : "nowhere");
}

/* The method, and what goes with it. The size comes before the body, since a body may be set without one. */
static bool set_question(struct http *http, const struct question *question)
{
    if (!question->body)
        return curl_easy_setopt(http->curl, CURLOPT_HTTPHEADER, NULL) == CURLE_OK &&
               set_number(http->curl, CURLOPT_HTTPGET, 1);
    return curl_easy_setopt(http->curl, CURLOPT_HTTPHEADER, http->post_headers) == CURLE_OK &&
           set_number(http->curl, CURLOPT_POST, 1) &&
           set_number(http->curl, CURLOPT_POSTFIELDSIZE, (int64_t)strlen(question->body)) &&
           curl_easy_setopt(http->curl, CURLOPT_POSTFIELDS, question->body) == CURLE_OK;
}

/* One request to one server. */
static enum weir_err_code ask(struct http *http, const char *server, const struct question *question,
                              struct http_answer *answer, struct weir_err *err)
{
    char url[HTTP_URL_MAX];
    int len = snprintf(url, sizeof url, "%s%s", server, question->path);
    if (len < 0 || (size_t)len >= sizeof url)
        return weir_fail(err, WEIR_ERR_CONFIG, "a URL of the schema registry has more than %d bytes",
                         HTTP_URL_MAX);
    http->body_len = 0;
    http->too_large = false;
    http->why[0] = '\0';
    if (!set_text(http->curl, CURLOPT_URL, url) || !set_question(http, question))
        return no_memory(err);
    CURLcode what = curl_easy_perform(http->curl);
    if (what != CURLE_OK)
        return fail_curl(http, server, what, err);
    long status = 0;
    (void)curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, &status);
    *answer = (struct http_answer){status, {(const uint8_t *)http->body, http->body_len}};
    return check_status(http, server, status, err);
}

/* Each server once, the one that answered last first. */
static enum weir_err_code ask_all(struct http *http, const struct question *question,
                                  struct http_answer *answer, struct weir_err *err)
{
    enum weir_err_code code = WEIR_ERR_REGISTRY_DOWN;
    size_t first = http->preferred;
    for (size_t i = 0; i < http->n_servers && code == WEIR_ERR_REGISTRY_DOWN; i++) {
        size_t server = (first + i) % http->n_servers;
        code = ask(http, http->servers[server], question, answer, err);
        if (code == WEIR_OK)
            http->preferred = server;
        if (stopped(http))
            break;
    }
    return code;
}

/* Lets the servers breathe: a pause from 0 to a bound that doubles, so that clients do not come all at once.
 */
static void pause_before(struct http *http, unsigned attempt)
{
    int64_t bound = (int64_t)HTTP_PAUSE_MS << (attempt - 1);
    if (bound > HTTP_PAUSE_LONGEST_MS)
        bound = HTTP_PAUSE_LONGEST_MS;
    http->random = http->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    clock_sleep_ms((int64_t)((http->random >> 33) % (uint64_t)(bound + 1)));
}

static enum weir_err_code ask_again(struct http *http, const struct question *question,
                                    struct http_answer *answer, struct weir_err *err)
{
    enum weir_err_code code = WEIR_ERR_REGISTRY_DOWN;
    for (unsigned attempt = 0; attempt < HTTP_TRIES && code == WEIR_ERR_REGISTRY_DOWN; attempt++) {
        if (attempt > 0 && stopped(http))
            break;
        if (attempt > 0)
            pause_before(http, attempt);
        code = ask_all(http, question, answer, err);
    }
    return code;
}

enum weir_err_code http_get(struct http *http, const char *path, struct http_answer *answer,
                            struct weir_err *err)
{
    return ask_again(http, &(struct question){.path = path}, answer, err);
}

enum weir_err_code http_post(struct http *http, const char *path, const char *body,
                             struct http_answer *answer, struct weir_err *err)
{
    return ask_again(http, &(struct question){.path = path, .body = body}, answer, err);
}

bool http_append(char *path, size_t cap, const char *word)
{
    static const char digits[] = "0123456789ABCDEF";
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    size_t len = strlen(path);
    for (const unsigned char *p = (const unsigned char *)word; *p; p++) {
        if (cap - len < 4)
            return false;
        if (strchr(plain, *p)) {
            path[len++] = (char)*p;
        } else {
            path[len++] = '%';
            path[len++] = digits[*p >> 4];
            path[len++] = digits[*p & 15];
        }
    }
    path[len] = '\0';
    return true;
}
